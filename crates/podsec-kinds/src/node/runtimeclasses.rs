//! RuntimeClasses: what runs the containers of a pod, and what that costs.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::Fields;
use crate::pod_spec::{resources, scheduling};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, immutable, internal, metadata as meta, node_selector};

/// RuntimeClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "node.k8s.io",
    resource: "runtimeclasses",
    validate,
    validate_update: |class, old| {
        let mut errors = meta::validate_update_any_finalizers(class, old);
        errors.extend(validate(class));
        errors.extend(immutable::text(class, old, "handler", &Path::default()));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |class, _| warnings(class),
    columns: &[printing::NAME, column("Handler", ""), printing::AGE],
    cells: |class, now| vec![printing::name(class), class.text("handler").into(), printing::age(class, now)],
    allow_create_on_update: true,
    allow_unconditional_update: false,
    ..BASE
};

fn validate(class: &Value) -> Vec<Error> {
    let mut errors = meta::validate_any_finalizers(class, false, NameRule::Dns1123Subdomain);
    let (path, handler) = (Path::new("handler"), class.text("handler"));
    if handler.is_empty() {
        errors.push(Error::required(path, ""));
    } else {
        errors.extend(formats::invalid(&path, handler, formats::label(handler)));
    }
    if let Some(overhead) = class.field("overhead") {
        // The overhead obeys the rules of limits.
        let limits = json!({ "limits": overhead.at("podFixed") });
        errors.extend(resources::requirements(&limits, &Path::new("overhead")));
    }
    if let Some(scheduling) = class.field("scheduling") {
        let path = Path::new("scheduling");
        errors.extend(meta::label_map(scheduling.at("nodeSelector"), &path.child("nodeSelector")));
        errors.extend(tolerations(scheduling.list("tolerations"), &path.child("tolerations")));
    }
    errors
}

fn tolerations(tolerations: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = scheduling::tolerations(tolerations, path);
    let mut seen = BTreeSet::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        if !seen.insert(["key", "operator", "value", "effect"].map(|field| toleration.text(field))) {
            let shown = internal::json("Toleration", toleration);
            errors.push(Error::duplicate_json(path.index(index), &shown));
        }
    }
    errors
}

fn warnings(class: &Value) -> Vec<String> {
    let path = Path::new("scheduling").child("nodeSelector");
    let labels = class.at("scheduling").entries("nodeSelector");
    labels
        .filter_map(|(label, _)| Some(format!("{path}: {}", node_selector::deprecated_label(label)?)))
        .collect()
}
