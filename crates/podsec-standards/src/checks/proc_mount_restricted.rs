use super::proc_mount::{say, v1_0};
use crate::check::{Check, Edit, Example, Fix, Revision};
use crate::pod::Signs;
use crate::{Level, Version};

pub(super) static CHECK: Check = Check {
    id: "procMount_restricted",
    level: Level::Restricted,
    docs: "
Containers must keep the masks over /proc, even in a user namespace of their own.

The baseline level lets a pod with `hostUsers: false` unmask /proc since 1.35; the restricted level does not.
Leave the field out.
",
    fields: &["spec.containers[*].securityContext.procMount"],
    revisions: &[Revision {
        since: Version::V1(35),
        signs: Signs::NONE,
        find: v1_0,
        say,
        overrides: &["procMount"],
    }],
    fix: Fix {
        grounds: &[],
        edits: &[("spec.containers[*].securityContext.procMount", Edit::Remove)],
        risk: "Programs that run containers inside the container (builders, nested runtimes) need the unmasked \
               /proc. Such a pod belongs at the baseline level.",
    },
    examples: &[
        Example::allow(
            "the default masks",
            r#"{"spec": {"containers": [{"name": "a", "securityContext": {"procMount": "Default"}}]}}"#,
        ),
        Example::forbid(
            "unmasked in a user namespace",
            r#"{"spec": {"hostUsers": false, "containers": [
                {"name": "a", "securityContext": {"procMount": "Unmasked"}}]}}"#,
            r#"container "a" must not set securityContext.procMount to "Unmasked""#,
        )
        .since(35),
    ],
};
