//! A patch of any type changes an object or is refused; sets of fields are read as they are written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::{json, merge, strategic};
use podsec_apimachinery::schema::Definitions;
use serde_json::Value;

fuzz_target!(|input: (&str, &str)| {
    let (object, patch) = input;
    let (Ok(object), Ok(patch)) = (serde_json::from_str::<Value>(object), serde_json::from_str::<Value>(patch))
    else {
        return;
    };
    let _ = json::apply(object.clone(), patch.clone());
    let _ = merge::apply(object.clone(), patch.clone());
    if let Some(schema) = Definitions::builtin().kind("", "v1", "Pod") {
        let _ = strategic::apply(object.clone(), patch.clone(), &schema);
    }
    if let Some(fields) = FieldSet::parse(&patch) {
        let again = FieldSet::parse(&fields.to_fields()).expect("what was written is read");
        assert_eq!(again.to_fields(), fields.to_fields());
        let _ = (fields.paths(), fields.union(&again), fields.difference(&again));
    }
});
