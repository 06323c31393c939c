//! Which kinds do something here beyond being stored, and which do not.
//!
//! A real cluster is more than its API server: controllers, a scheduler, kubelets and a network act on most kinds, and not
//! all of them run here. Every resource of the catalog stands in [`EFFECTIVE`] or in [`WITHOUT_EFFECT`], and the README shows
//! the second.

use serde_json::Value;

use crate::{apiregistration, flowcontrol, networking};

/// The API group, empty for core, and the plural resource.
pub type ServedKind = (&'static str, &'static str);

/// Kinds that nothing acts on, for one reason.
pub struct WithoutEffect {
    /// The kinds.
    pub resources: &'static [ServedKind],
    /// What would happen in a cluster, and does not here.
    pub missing: &'static str,
    /// What a write is warned with, if it is kube-apiserver itself that would act on the object. What another program does
    /// kube-apiserver promises no more than this server does, and warns of as little.
    pub warning: Option<fn(&Value) -> Option<String>>,
}

/// The warning about a new or changed object that nothing acts on, though kube-apiserver would.
pub(crate) fn warning(group: &str, resource: &str, object: &Value) -> Option<String> {
    let row = WITHOUT_EFFECT.iter().find(|row| row.resources.contains(&(group, resource)))?;
    row.warning?(object)
}

/// Kinds that the server acts on, and kinds that are data for whoever reads them.
pub static EFFECTIVE: &[ServedKind] = &[
    // Data.
    ("", "configmaps"),
    ("", "endpoints"),
    ("", "events"),
    ("", "podtemplates"),
    ("apps", "controllerrevisions"),
    ("certificates.k8s.io", "clustertrustbundles"),
    ("coordination.k8s.io", "leases"),
    ("discovery.k8s.io", "endpointslices"),
    ("events.k8s.io", "events"),
    // Acted on.
    ("", "bindings"),
    ("", "componentstatuses"),
    ("", "limitranges"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "resourcequotas"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingressclasses"),
    ("node.k8s.io", "runtimeclasses"),
    ("policy", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("storage.k8s.io", "storageclasses"),
];

/// Kinds that are stored, validated and shown, and nothing more.
pub static WITHOUT_EFFECT: &[WithoutEffect] = &[
    WithoutEffect {
        resources: &[("apiregistration.k8s.io", "apiservices")],
        missing: "no aggregation: requests for the group are not passed to its Service",
        warning: Some(apiregistration::apiservices::without_effect),
    },
    WithoutEffect {
        resources: &[("flowcontrol.apiserver.k8s.io", "flowschemas")],
        missing: "no priority and fairness: requests are not classified",
        warning: Some(flowcontrol::flowschemas::without_effect),
    },
    WithoutEffect {
        resources: &[("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations")],
        missing: "the same: `--max-requests-inflight` and `--max-mutating-requests-inflight` alone limit requests",
        warning: Some(flowcontrol::prioritylevelconfigurations::without_effect),
    },
    WithoutEffect {
        resources: &[("networking.k8s.io", "servicecidrs")],
        missing: "Services get their addresses from `--service-cluster-ip-range`, always",
        warning: Some(networking::servicecidrs::without_effect),
    },
    WithoutEffect {
        resources: &[("networking.k8s.io", "ipaddresses")],
        missing: "they reserve no address: the Services themselves say what is taken",
        warning: Some(networking::ipaddresses::without_effect),
    },
    WithoutEffect {
        resources: &[("autoscaling", "horizontalpodautoscalers")],
        missing: "nothing is scaled",
        warning: None,
    },
    WithoutEffect {
        resources: &[("networking.k8s.io", "ingresses"), ("networking.k8s.io", "networkpolicies")],
        missing: "no network: nothing is routed and nothing is filtered",
        warning: None,
    },
    WithoutEffect {
        resources: &[
            ("", "persistentvolumeclaims"),
            ("", "persistentvolumes"),
            ("storage.k8s.io", "csidrivers"),
            ("storage.k8s.io", "csinodes"),
            ("storage.k8s.io", "csistoragecapacities"),
            ("storage.k8s.io", "volumeattachments"),
            ("storage.k8s.io", "volumeattributesclasses"),
        ],
        missing: "no volumes: nothing is provisioned, bound, attached or mounted",
        warning: None,
    },
    WithoutEffect {
        resources: &[
            ("resource.k8s.io", "deviceclasses"),
            ("resource.k8s.io", "devicetaintrules"),
            ("resource.k8s.io", "resourceclaims"),
            ("resource.k8s.io", "resourceclaimtemplates"),
            ("resource.k8s.io", "resourceslices"),
        ],
        missing: "no devices: nothing allocates them",
        warning: None,
    },
    WithoutEffect {
        resources: &[
            ("certificates.k8s.io", "certificatesigningrequests"),
            ("certificates.k8s.io", "podcertificaterequests"),
        ],
        missing: "no signers: no certificate is issued",
        warning: None,
    },
    WithoutEffect {
        resources: &[("storagemigration.k8s.io", "storageversionmigrations")],
        missing: "nothing is rewritten",
        warning: None,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::fs;
    use std::path::Path;

    use podsec_apimachinery::schema::Catalog;
    use serde_json::json;

    use super::*;
    use crate::Behaviour;

    #[test]
    fn every_served_resource_has_an_effect_or_is_told_to_have_none() {
        let served: BTreeSet<(&str, &str)> = Catalog::builtin()
            .resources()
            .map(|resource| (resource.group.as_str(), resource.resource.as_str()))
            .collect();
        let mut listed = BTreeSet::new();
        for row in EFFECTIVE.iter().chain(WITHOUT_EFFECT.iter().flat_map(|row| row.resources)) {
            assert!(listed.insert(*row), "{row:?} is listed twice");
        }
        let neither: Vec<_> = served.difference(&listed).collect();
        assert!(neither.is_empty(), "say in EFFECTIVE or WITHOUT_EFFECT what these do: {neither:?}");
        let unknown: Vec<_> = listed.difference(&served).collect();
        assert!(unknown.is_empty(), "not served: {unknown:?}");
    }

    #[test]
    fn the_readme_lists_what_has_no_effect() {
        let mut table = String::from("| kinds | what does not happen | a write is warned |\n|---|---|---|\n");
        for row in WITHOUT_EFFECT {
            let kinds: Vec<&str> = row.resources.iter().map(|resource| kind(resource)).collect();
            let warned = if row.warning.is_some() { "yes" } else { "no" };
            writeln!(table, "| {} | {} | {warned} |", kinds.join(", "), row.missing).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
        let readme = fs::read_to_string(path).unwrap();
        let (_, section) =
            readme.split_once("### What has no effect here\n").expect("the README has the section");
        assert!(section.contains(&table), "the README should have this table:\n{table}");
    }

    #[test]
    fn creating_and_changing_what_kube_apiserver_would_act_on_is_warned_of() {
        let object = json!({
            "metadata": {"name": "v1.example.com"},
            "spec": {"group": "example.com", "version": "v1", "service": {"namespace": "n", "name": "s"}},
        });
        for row in WITHOUT_EFFECT {
            for (group, name) in row.resources {
                let resource = Catalog::builtin().resources();
                let resource = resource
                    .filter(|resource| resource.group == *group && resource.resource == *name)
                    .map(|resource| Behaviour::of(resource, None));
                for behaviour in resource {
                    let mentions = |warnings: Vec<String>| {
                        warnings.iter().filter(|warning| warning.starts_with("podsec serve ")).count()
                    };
                    let expected = usize::from(row.warning.is_some());
                    assert_eq!(mentions(behaviour.warnings_on_create(&object)), expected, "{name}");
                    assert_eq!(
                        mentions(behaviour.warnings_on_update("", &object, &object)),
                        expected,
                        "{name}"
                    );
                    assert_eq!(
                        mentions(behaviour.warnings_on_update("status", &object, &object)),
                        0,
                        "{name}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_warning_about_an_api_service_names_the_requests_that_stay() {
        let behind = json!({
            "metadata": {"name": "v1.example.com"},
            "spec": {"group": "example.com", "version": "v1", "service": {"namespace": "n", "name": "s"}},
        });
        assert_eq!(
            warning("apiregistration.k8s.io", "apiservices", &behind).as_deref(),
            Some(
                "podsec serve passes no requests to the Service n/s: those for /apis/example.com/v1 are answered as if there \
                 were no APIService"
            )
        );
        let local = json!({"spec": {"group": "example.com", "version": "v1"}});
        assert_eq!(warning("apiregistration.k8s.io", "apiservices", &local), None);
    }

    fn kind((group, name): &ServedKind) -> &'static str {
        let mut resources = Catalog::builtin().resources();
        let found = resources.find(|resource| resource.group == *group && resource.resource == *name);
        found.map_or("(not served)", |resource| resource.kind.as_str())
    }
}
