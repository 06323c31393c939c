//! ComponentStatuses, of which there are none.

use crate::generic::BASE;
use crate::object::Fields;
use crate::printing::{self, column};
use crate::strategy::Strategy;

/// ComponentStatuses.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "componentstatuses",
    deprecation: Some("v1 ComponentStatus is deprecated in v1.19+"),
    columns: &[
        printing::NAME,
        column("Status", "Status of the component conditions"),
        column("Message", "Message of the component conditions"),
        column("Error", "Error of the component conditions"),
    ],
    cells: |component, _| {
        let mut cells = ["Unknown", "", ""];
        for condition in component.list("conditions") {
            if condition.text("type") == "Healthy" {
                let healthy = condition.text("status") == "True";
                let status = if healthy { "Healthy" } else { "Unhealthy" };
                cells = [status, condition.text("message"), condition.text("error")];
            }
        }
        let mut row = vec![printing::name(component)];
        row.extend(cells.map(Into::into));
        row
    },
    ..BASE
};
