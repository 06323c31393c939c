use crate::check::{Check, Edit, Example, Fix, Revision, Words};
use crate::field::{Actual, Field, Findings};
use crate::pod::{Features, Pod, Signs};
use crate::wording::push_containers;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "privileged",
    level: Level::Baseline,
    docs: "
Containers must not be privileged.

A privileged container has every capability, every device of the node and no seccomp or AppArmor profile: it is
root on the node in all but name. Remove the field. A program that needs one power can be given that one: a
capability, a device plugin, a CSI driver.
",
    fields: &["spec.containers[*].securityContext.privileged"],
    revisions: &[Revision {
        since: Version::V1(0),
        signs: Signs::certain(Features::PRIVILEGED),
        find: v1_0,
        say,
        overrides: &[],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.containers[*].securityContext.privileged", Edit::Remove)],
        risk: "Access to devices, mounts and kernel settings is lost. Run the program without the field in a \
               test cluster and watch for `Operation not permitted`.",
    },
    examples: &[
        Example::allow(
            "an ordinary container",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"privileged": false}}]}}"#,
        ),
        Example::forbid(
            "a privileged container",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}]}}"#,
            r#"container "a" must not set securityContext.privileged=true"#,
        ),
        Example::forbid(
            "two of three, the init container named first",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}, {"name": "b"}],
                "initContainers": [{"name": "i", "securityContext": {"privileged": true}}]}}"#,
            r#"containers "i", "a" must not set securityContext.privileged=true"#,
        ),
    ],
};

fn v1_0<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    pod.visit_containers(|owner, container| {
        if container.security_context.privileged == Some(true) {
            let name = "securityContext.privileged";
            findings.push(Field::new(owner, name, Actual::Bool(true), &["undefined", "false"]));
        }
    });
}

fn say(fields: &[Field<'_>]) -> Words {
    let mut detail = String::with_capacity(96);
    push_containers(&mut detail, fields.iter());
    detail.push_str(" must not set securityContext.privileged=true");
    Words { reason: "privileged", detail }
}
