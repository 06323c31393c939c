//! What one call costs at run time, by its arguments and result, in the units of `podsec_cel::limits`.

use super::plan::Call;
use crate::error::Error;
use crate::library::{costs, selector_cost};
use crate::opaque::Opaque;
use crate::value::Value;

/// Making a list.
pub(super) const LIST: u64 = 10;
/// Making a map.
pub(super) const MAP: u64 = 30;
/// Making a message.
pub(super) const MESSAGE: u64 = 40;

/// `==` and `!=`: a tenth of the smaller side's size.
pub(super) fn equality(sides: &[Result<Value, Error>; 2], equal: bool) -> u64 {
    if let (true, Ok(Value::Opaque(_))) = (equal, &sides[0]) {
        return 1;
    }
    tenth(size(&sides[0]).min(size(&sides[1])))
}

/// A call of a function.
pub(super) fn call(call: &Call, args: &[Result<Value, Error>], result: &Result<Value, Error>) -> u64 {
    let overload = call.overload.unwrap_or_default();
    if let Some(cost) = of_list_overload(overload, args, result) {
        return cost;
    }
    if let Some(cost) = of_function(call.function.name, overload, args, result) {
        return cost;
    }
    let first = args.first().map_or(1, size);
    let second = args.get(1).map_or(1, size);
    match overload {
        "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string"
        | "strings_quote" | "string_format" => tenth(first),
        "in_list" => second,
        "less_string"
        | "greater_string"
        | "less_equals_string"
        | "greater_equals_string"
        | "less_bytes"
        | "greater_bytes"
        | "less_equals_bytes"
        | "greater_equals_bytes" => tenth(first.min(second)),
        "add_string" | "add_bytes" => tenth(first.saturating_add(second)),
        "matches_string" => regex(first, second),
        "contains_string" => tenth(first).saturating_mul(tenth(second)),
        _ => 1,
    }
}

/// Functions on lists whose cost is told by their overload: those that make new lists.
fn of_list_overload(
    overload: &str,
    args: &[Result<Value, Error>],
    result: &Result<Value, Error>,
) -> Option<u64> {
    let allocating = |factor: f64, size: u64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the product is cut to an integer as Kubernetes cuts it"
        )]
        let work = (size as f64 * factor) as u64;
        work.saturating_add(1 + LIST)
    };
    let compared = |list: &Result<Value, Error>| match list {
        Ok(Value::List(list)) => {
            let size = list.items.len() as u64;
            let text = matches!(list.items.first(), Some(Value::String(_) | Value::Bytes(_)));
            allocating(if text { 2.1 } else { 2.0 }, size.saturating_mul(size))
        }
        _ => allocating(2.0, 1),
    };
    match overload {
        "list_slice" | "lists_range" | "list_reverse" => Some(allocating(1.0, size(result))),
        "list_flatten" => Some(allocating(1.0, args.first().map_or(1, size))),
        "list_flatten_int" => {
            #[expect(clippy::cast_precision_loss, reason = "a depth that large costs too much either way")]
            let depth = match args.get(1) {
                Some(Ok(Value::Int(depth))) => *depth as f64,
                _ => 1.0,
            };
            Some(allocating(depth, args.first().map_or(1, size)))
        }
        "list_sets_contains_list" | "list_sets_intersects_list" => {
            Some(args.first().map_or(1, size).saturating_mul(args.get(1).map_or(1, size)).saturating_add(1))
        }
        "list_sets_equivalent_list" => {
            let product = args.first().map_or(1, size).saturating_mul(args.get(1).map_or(1, size));
            Some(product.saturating_mul(2).saturating_add(1))
        }
        "list_distinct" => args.first().map(compared),
        _ if overload.ends_with("_sortByAssociatedKeys") => args.get(1).map(compared),
        _ if overload.starts_with("list_") && overload.ends_with("_sort") => args.first().map(compared),
        _ => None,
    }
}

/// Kubernetes' own functions, whose cost is told by their name.
fn of_function(
    function: &str,
    overload: &str,
    args: &[Result<Value, Error>],
    result: &Result<Value, Error>,
) -> Option<u64> {
    let first = args.first().map_or(1, size);
    let second = args.get(1).map_or(1, size);
    Some(match function {
        "check" => costs::AUTHORIZATION,
        _ if costs::is_constant(function) => 1,
        "fieldSelector" | "labelSelector" => selector_cost(second),
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => args.first().map_or(0, traversal),
        "ip" if overload == "cidr_ip" => 1,
        "ip"
        | "url"
        | "lowerAscii"
        | "upperAscii"
        | "substring"
        | "trim"
        | "jsonpatch.escapeKey"
        | "cidr"
        | "isIP"
        | "isCIDR"
        | "quantity"
        | "isQuantity"
        | "semver"
        | "isSemver" => tenth(first),
        "replace" | "split" | "ip.isCanonical" => fifth(first),
        "join" => fifth(size(result)),
        "find" | "findAll" => regex(first, second),
        "containsIP" => fifth(first) + if overload == "cidr_contains_ip_string" { tenth(second) } else { 0 },
        "containsCIDR" => {
            let text = if overload == "cidr_contains_cidr_string" { tenth(second) } else { 0 };
            fifth(first) + tenth(first) + 1 + text
        }
        "validate" => match args.first() {
            Some(Ok(Value::Opaque(opaque))) => match &**opaque {
                Opaque::Format(format) => regex(second, format.regex_size),
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}

fn size(outcome: &Result<Value, Error>) -> u64 {
    outcome.as_ref().map_or(1, Value::cost_size)
}

/// A tenth of a text's length, rounded up: what passing over it once costs.
fn tenth(size: u64) -> u64 {
    share(size, 0.1)
}

fn fifth(size: u64) -> u64 {
    share(size, 0.2)
}

/// A share of a size, rounded up as Kubernetes' floating-point numbers round.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are far below the digits of a double"
)]
fn share(size: u64, share: f64) -> u64 {
    (size as f64 * share).ceil() as u64
}

/// Matching a text of this length against a pattern of that length.
fn regex(text: u64, pattern: u64) -> u64 {
    tenth(text.saturating_add(1)).saturating_mul(share(pattern, 0.25))
}

/// Passing over everything in a value.
fn traversal(outcome: &Result<Value, Error>) -> u64 {
    fn of(value: &Value) -> u64 {
        match value {
            Value::String(text) => text.len() as u64 / 10,
            Value::Bytes(bytes) => bytes.len() as u64 / 10,
            Value::List(list) => list.items.iter().map(of).fold(0, u64::saturating_add),
            Value::Map(map) => map
                .iter()
                .map(|(key, value)| of(&key.value()).saturating_add(of(value)))
                .fold(0, u64::saturating_add),
            Value::Object(object) => object.fields.values().map(of).fold(0, u64::saturating_add),
            _ => 1,
        }
    }
    outcome.as_ref().map_or(1, of)
}
