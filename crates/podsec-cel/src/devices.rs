//! Selectors of devices: which devices a claim of `resource.k8s.io` or a class of devices is about.

use std::sync::Arc;

use crate::cost_range::{CostRange, SizeHints};
use crate::declaration::MessageTable;
use crate::environment::Environment;
use crate::types::Type;

/// What a selector of devices may use: `device`, with its driver, attributes and capacities.
pub fn device_selector() -> Environment {
    let mut table = MessageTable::default();
    let by_domain = |value: Type| Type::map(Type::String, Type::map(Type::String, value));
    let device = table.add(
        "kubernetes.DRADevice",
        [
            ("driver", Type::String),
            ("attributes", by_domain(Type::Dyn)),
            ("capacity", by_domain(Type::message("kubernetes.Quantity"))),
            ("allowMultipleAllocations", Type::Bool),
        ],
    );
    Environment::default().with_messages(Arc::new(table)).with_variable("device", device)
}

/// How large a device may be: its driver, and its attributes and capacities by domain and name.
#[derive(Clone, Copy, Debug)]
pub struct DeviceSizes;

impl SizeHints for DeviceSizes {
    fn size(&self, path: Option<&[String]>, _: &Type) -> Option<CostRange> {
        let path: Vec<&str> = path?.iter().map(String::as_str).collect();
        let max = match path.as_slice() {
            ["device", "driver"] => DRIVER_LENGTH,
            ["device", "attributes" | "capacity"] | ["device", "attributes" | "capacity", "@values"] => {
                ENTRIES
            }
            ["device", "attributes" | "capacity", "@keys"] => DOMAIN_LENGTH,
            ["device", "attributes" | "capacity", "@values", "@keys"] => NAME_LENGTH,
            _ => return None,
        };
        Some(CostRange { min: 0, max })
    }
}

const DRIVER_LENGTH: u64 = 63;
const DOMAIN_LENGTH: u64 = 63;
const NAME_LENGTH: u64 = 32;
/// Attributes and capacities of a device together.
const ENTRIES: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_asks_for_drivers_attributes_and_capacities() {
        for (expression, result) in [
            ("device.driver == 'gpu.example.com'", Ok(Type::Bool)),
            ("device.attributes['gpu.example.com'].model == 'a100'", Ok(Type::Bool)),
            ("device.capacity['gpu.example.com'].memory.isGreaterThan(quantity('40Gi'))", Ok(Type::Bool)),
            (
                "'a' in device.attributes && device.attributes['a'].version.isLessThan(semver('1.0.0'))",
                Ok(Type::Bool),
            ),
            ("1", Ok(Type::Int)),
            ("devices", Err("undeclared reference to 'devices' (in container '')")),
            ("device.model", Err("undefined field 'model'")),
        ] {
            match (device_selector().compile(expression), result) {
                (Ok(program), Ok(result)) => assert_eq!(program.result_type(), result, "{expression}"),
                (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
                (other, _) => panic!("{expression}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_loops_over_a_device_costs_no_more_than_a_device_can_hold() {
        let cost =
            |expression: &str| device_selector().compile(expression).unwrap().estimate(&DeviceSizes).max;
        assert!(cost("device.attributes.all(d, device.attributes[d].all(n, n != ''))") < 100_000);
        let nested = "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, \
                      device.attributes.all(d, a + b + c + d != ''))))";
        assert!(cost(nested) > 1_000_000);
    }
}
