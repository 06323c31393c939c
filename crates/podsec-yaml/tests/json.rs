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

    #[test]
    fn nodes_are_the_same_when_their_json_is(one in value(), other in value(), changed in value()) {
        let text = |first: &Value, second: &Value| serde_json::json!({"a": [first, second], "b": second}).to_string();
        let texts = [text(&one, &other), text(&other, &one), text(&one, &changed), text(&changed, &one)];
        for one in &texts {
            for other in &texts {
                let (one, other) = (podsec_yaml::document(one).unwrap(), podsec_yaml::document(other).unwrap());
                prop_assert_eq!(one.root().is_same_json(other.root()), one.to_json() == other.to_json());
            }
        }
    }
}

#[test]
fn what_is_written_in_another_way_is_the_same() {
    let texts = [
        "{a: {x: 1, y: [b, ~]}, c: {y: [b, null], x: 0x1}}",
        "a: &a\n  y: ['b', ~]\n  x: 1\nc: *a\n",
        "c: {x: 5, y: [b, ~], x: 1}\na: {<<: {x: 1.0}, y: [\"b\", ~]}",
    ];
    let documents: Vec<_> = texts.iter().map(|text| podsec_yaml::document(text).unwrap()).collect();
    for one in &documents {
        for other in &documents {
            assert!(one.root().is_same_json(other.root()), "{} {}", one.text(), other.text());
        }
    }
    assert_eq!(
        documents.iter().map(podsec_yaml::Document::has_anchors).collect::<Vec<_>>(),
        [false, true, false]
    );
    for different in [
        "{a: 1}",
        "[a, c]",
        "{a: {x: 1, y: [b]}, c: {x: 1, y: [b, ~]}}",
        "{a: {x: 1, y: [b, ~]}, d: {x: 1, y: [b, ~]}}",
    ] {
        let different = podsec_yaml::document(different).unwrap();
        assert!(documents.iter().all(|document| !document.root().is_same_json(different.root())));
    }
}
