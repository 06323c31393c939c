//! PodDisruptionBudgets: how many pods may be missing.

use serde_json::{Value, json};

use crate::generic::{BASE, WITH_GENERATION};
use crate::object::Fields;
use crate::printing::{self, column, integer};
use crate::strategy::Strategy;
use crate::workload;

/// PodDisruptionBudgets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "policy",
    resource: "poddisruptionbudgets",
    prepare_for_create: |budget| {
        let none = json!({
            "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0
        });
        workload::reset_status(budget, none);
        workload::start_generation(budget);
    },
    prepare_for_update: WITH_GENERATION.prepare_for_update,
    subresources: WITH_GENERATION.subresources,
    columns: &[
        printing::NAME,
        column("Min Available", "How many pods must stay."),
        column("Max Unavailable", "How many pods may be missing."),
        integer("Allowed Disruptions", "How many pods may go now."),
        printing::AGE,
    ],
    cells: |budget, now| {
        let spec = budget.at("spec");
        vec![
            printing::name(budget),
            count(spec.at("minAvailable")),
            count(spec.at("maxUnavailable")),
            budget.at("status").number("disruptionsAllowed").into(),
            printing::age(budget, now),
        ]
    },
    allow_unconditional_update: false,
    ..BASE
};

/// A number or a percentage.
fn count(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}
