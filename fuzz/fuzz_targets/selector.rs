//! A selector of labels or fields is read or refused, and asks an object without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_apimachinery::selector::{field, label};
use serde_json::json;

fuzz_target!(|text: &str| {
    let object = json!({"metadata": {"name": "a", "labels": {"a": "1", "b/c": ""}}});
    if let Ok(selector) = label::Selector::parse(text) {
        let _ = selector.matches(&object);
    }
    if let Ok(selector) = field::Selector::parse(text) {
        let _ = selector.check(&["metadata.name"]);
        let _ = selector.matches(|name| (name == "metadata.name").then_some("a"));
    }
});
