//! The functions of Kubernetes' environment, one file a library: declarations, and what they do.

mod addresses;
mod arguments;
mod authorizer;
mod conversion;
pub(crate) mod costs;
mod format_text;
mod lists;
mod named_formats;
mod operators;
mod optionals;
pub(crate) mod pattern;
mod quantity;
mod semver;
mod strings;
mod time;
mod url;

pub(crate) use authorizer::{selector_cost, selector_cost_range};
pub(crate) use conversion::{to_duration, to_timestamp};
pub(crate) use format_text::check as check_format;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::declaration::Function;

/// Every function, by name.
pub(crate) fn functions() -> &'static HashMap<&'static str, Function> {
    static ALL: LazyLock<HashMap<&'static str, Function>> =
        LazyLock::new(|| all().into_iter().map(|function| (function.name, function)).collect());
    &ALL
}

/// Every function. Libraries may add overloads to a function of the same name; each judges its own kind of target.
fn all() -> Vec<Function> {
    let libraries: [fn() -> Vec<Function>; 13] = [
        operators::functions,
        conversion::functions,
        time::functions,
        strings::functions,
        lists::functions,
        pattern::functions,
        optionals::functions,
        url::functions,
        addresses::functions,
        semver::functions,
        quantity::functions,
        named_formats::functions,
        authorizer::functions,
    ];
    let mut merged: BTreeMap<&'static str, Function> = BTreeMap::new();
    for function in libraries.into_iter().flat_map(|library| library()) {
        match merged.get_mut(function.name) {
            Some(known) => known.overloads.extend(function.overloads),
            None => {
                merged.insert(function.name, function);
            }
        }
    }
    merged.into_values().collect()
}
