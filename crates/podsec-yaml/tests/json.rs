//! JSON is read as JSON, and what is written is JSON.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use proptest::prelude::*;
use serde_json::{Map, Value};

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(|thousandths| {
            // Whole floats become integers, as in Go.
            if thousandths % 1000 == 0 {
                Value::from(thousandths / 1000)
            } else {
                Value::from(f64::from(i32::try_from(thousandths).unwrap()) / 1000.0)
            }
        }),
    ];
    // Without DEL and its like, which the reader refuses.
    let text = "\\PC{0,12}|[ -~\\x00-\\x1f\u{85}\u{2028}\u{2029}é😀]{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..6)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_objects_are_read_as_they_are(value in value(), pretty in any::<bool>()) {
        let object = serde_json::json!({ "": value });
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let text = format!("{text}\n{text}");
        let documents: Vec<_> = podsec_yaml::documents(&text).map(|document| document.unwrap().to_json()).collect();
        prop_assert_eq!(documents, [object.clone(), object]);
    }
}
