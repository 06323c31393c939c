//! Label selectors as Kubernetes reads and writes them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::field;

fn refused(text: &str) -> String {
    Selector::parse(text).unwrap_err().to_string()
}

#[test]
fn requirements_match_as_the_documentation_says() {
    let object = json!({"metadata": {"labels": {"app": "web", "tier": "", "n": "5"}}});
    let bare = json!({"metadata": {"labels": null}});
    let cases = [
        ("", true, true),
        ("app=web", true, false),
        ("app==web", true, false),
        ("app!=web", false, true),
        ("app!=db", true, true),
        ("app in (db,web)", true, false),
        ("app notin (db, web)", false, true),
        ("app", true, false),
        ("!app", false, true),
        ("! app", false, true),
        ("tier=", true, false),
        ("tier in ()", true, false),
        ("tier in (a,)", true, false),
        ("n>4", true, false),
        ("n<4", false, false),
        ("app>4", false, false),
        ("app=web,n=5", true, false),
        ("app = web , !old\t", true, false),
        ("app=web,n=6", false, false),
    ];
    for (text, matches, matches_bare) in cases {
        let selector = Selector::parse(text).unwrap();
        assert_eq!((selector.matches(&object), selector.matches(&bare)), (matches, matches_bare), "{text}");
    }
    assert!(!Selector::Nothing.matches(&object));
}

#[test]
fn words_that_are_operators_may_be_keys_and_values() {
    let selector = Selector::parse("in in (in,notin),notin=in").unwrap();
    assert_eq!(selector.to_string(), "in in (in,notin),notin=in");
}

#[test]
fn what_is_no_selector_is_refused_in_kubernetes_words() {
    let key = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    let value = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    let cases = [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt".to_owned()),
        ("a in x", "unable to parse requirement: found 'x' expected: '('".to_owned()),
        ("a in", "unable to parse requirement: found '' expected: '('".to_owned()),
        ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'".to_owned()),
        ("a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'".to_owned()),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier".to_owned()),
        ("a in (,=)", "unable to parse requirement: found '=', expected: ',', or identifier".to_owned()),
        ("a=(", "unable to parse requirement: found '(', expected: identifier".to_owned()),
        ("!", "unable to parse requirement: found '', expected: identifier".to_owned()),
        ("a,", "found '', expected: identifier after ','".to_owned()),
        ("a,,b", "found ',', expected: identifier after ','".to_owned()),
        (",a", "found ',', expected: !, identifier, or 'end of string'".to_owned()),
        ("=a", "found '=', expected: !, identifier, or 'end of string'".to_owned()),
        ("!a b", "found 'b', expected: ',' or 'end of string'".to_owned()),
        ("a=b c", "found 'c', expected: ',' or 'end of string'".to_owned()),
        ("a^=b", format!("unable to parse requirement: <nil>: Invalid value: \"a^\": {key}")),
        ("a=b^", format!("unable to parse requirement: values[0][a]: Invalid value: \"b^\": {value}")),
        (
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer".to_owned(),
        ),
    ];
    for (text, message) in cases {
        assert_eq!(refused(text), message, "{text}");
    }
}

#[test]
fn a_selector_prints_sorted_by_key_with_sorted_values() {
    assert_eq!(
        Selector::parse("z, b notin (2,1,2),a!=x,!c,d==e,f>1,g<2, h in (,q)").unwrap().to_string(),
        "a!=x,b notin (1,2),!c,d==e,f>1,g<2,h in (,q),z"
    );
}

#[test]
fn objects_select_by_labels_and_expressions() {
    let selector = json!({
        "matchLabels": {"b": "1"},
        "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]},
            {"key": "c", "operator": "DoesNotExist"},
        ],
    });
    assert_eq!(from_object(Some(&selector)).unwrap().to_string(), "a in (x,y),b=1,!c");
    assert_eq!(from_object(None), Ok(Selector::Nothing));
    assert_eq!(from_object(Some(&Value::Null)), Ok(Selector::Nothing));
    assert_eq!(from_object(Some(&json!({}))), Ok(Selector::everything()));
    let words = |selector: Value| from_object(Some(&selector)).unwrap_err().to_string();
    assert_eq!(
        words(json!({"matchExpressions": [{"key": "a", "operator": "Near"}]})),
        r#""Near" is not a valid label selector operator"#
    );
    assert_eq!(
        words(json!({"matchExpressions": [{"key": "a", "operator": "In"}]})),
        "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
    );
    assert_eq!(
        words(json!({"matchLabels": {"a": 1}})),
        "matchLabels[a] is not of the type a label selector has there"
    );
}

#[test]
fn an_objects_selector_is_validated_field_by_field() {
    let selector = json!({"matchExpressions": [
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "Exists", "values": ["x"]},
        {"key": "a", "operator": "Near"},
    ]});
    let wrong = validate_object(&selector, &field::Path::new("spec").child("selector")).unwrap();
    assert_eq!(
        wrong.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            "spec.selector.matchExpressions[2].operator: Invalid value: \"Near\": not a valid selector operator",
        ]
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "[a-z0-9=!(),<> /\\-\u{0}é]{0,24}") {
        let _ = Selector::parse(&text);
    }

    #[test]
    fn what_prints_parses_to_the_same(text in "(!?[a-c](/[a-c])?( (in|notin) \\([a-c,]{0,5}\\)|(=|==|!=)[a-c]?|[<>][0-9])?,?){0,4}") {
        if let Ok(selector) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
        }
    }
}
