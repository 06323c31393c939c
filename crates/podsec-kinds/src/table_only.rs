//! Kinds that behave as any other and are only shown in their own way.

use serde_json::Value;

use crate::generic::{BASE, WITH_STATUS};
use crate::object::{Fields, metadata};
use crate::printing::{self, NONE, column};
use crate::strategy::{DeletionAnswer, Strategy};

/// ResourceQuotas.
pub(crate) static QUOTAS: Strategy = Strategy {
    resource: "resourcequotas",
    columns: &[
        printing::NAME,
        column("Request", "Requests used, of those allowed."),
        column("Limit", "Limits used, of those allowed."),
        printing::AGE,
    ],
    cells: |quota, now| {
        let hard = quota.at("status").field("hard").unwrap_or(quota.at("spec").at("hard"));
        let used = |limits: bool| -> Value {
            let parts: Vec<String> = hard
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| name.starts_with("limits.") == limits)
                .map(|(name, most)| {
                    let used = quota.at("status").at("used").at(name).as_str().unwrap_or("0");
                    format!("{name}: {used}/{}", most.as_str().unwrap_or_default())
                })
                .collect();
            parts.join(", ").into()
        };
        vec![printing::name(quota), used(false), used(true), printing::age(quota, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    prepare_for_create: |quota| crate::workload::reset_status(quota, serde_json::json!({})),
    prepare_for_update: WITH_STATUS.prepare_for_update,
    subresources: WITH_STATUS.subresources,
    ..BASE
};

/// ComponentStatuses, of which there are none.
pub(crate) static COMPONENT_STATUSES: Strategy = Strategy {
    resource: "componentstatuses",
    deprecation: Some("v1 ComponentStatus is deprecated in v1.19+"),
    ..BASE
};

/// Endpoints.
pub(crate) static ENDPOINTS: Strategy = Strategy {
    resource: "endpoints",
    deprecation: Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
    default: |endpoints| {
        use crate::object::FieldsMut;
        let Some(endpoints) = endpoints.as_object_mut() else { return };
        for subset in endpoints.objects_mut("subsets") {
            for port in subset.objects_mut("ports") {
                port.fill_zero("protocol", "TCP");
            }
        }
    },
    columns: &[printing::NAME, column("Endpoints", "The addresses behind the service."), printing::AGE],
    cells: |endpoints, now| {
        let mut shown = Vec::new();
        for subset in endpoints.list("subsets") {
            for address in subset.list("addresses").iter().map(|address| address.text("ip")) {
                match subset.list("ports") {
                    [] => shown.push(address.to_owned()),
                    ports => {
                        shown.extend(ports.iter().map(|port| format!("{address}:{}", port.number("port"))));
                    }
                }
            }
        }
        let more = shown.len().saturating_sub(3);
        shown.truncate(3);
        let mut text = shown.join(",");
        if more > 0 {
            text = format!("{text} + {more} more...");
        }
        vec![printing::name(endpoints), printing::or_none(&text), printing::age(endpoints, now)]
    },
    allow_create_on_update: true,
    ..BASE
};

/// ControllerRevisions.
pub(crate) static CONTROLLER_REVISIONS: Strategy = Strategy {
    group: "apps",
    resource: "controllerrevisions",
    columns: &[
        printing::NAME,
        column("Controller", "Whose revision it is."),
        column("Revision", "Its number."),
        printing::AGE,
    ],
    cells: |revision, now| {
        let owner = metadata(revision).list("ownerReferences").iter().find(|owner| owner.flag("controller"));
        let controller = owner.map_or_else(
            || NONE.to_owned(),
            |owner| {
                let kind = owner.text("kind").to_lowercase();
                match owner.text("apiVersion").split_once('/') {
                    Some((group, _)) => format!("{kind}.{group}/{}", owner.text("name")),
                    None => format!("{kind}/{}", owner.text("name")),
                }
            },
        );
        vec![
            printing::name(revision),
            controller.into(),
            revision.number("revision").into(),
            printing::age(revision, now),
        ]
    },
    ..BASE
};
