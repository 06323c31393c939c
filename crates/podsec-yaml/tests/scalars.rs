//! Every scalar, key and escape as kubectl reads it; each row was compared with a real kubectl.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use serde_json::{Value, json};

/// The value of `a` when the text is `a: {text}`.
fn value(text: &str) -> Result<Value, String> {
    let text = format!("a: {text}\n");
    match podsec_yaml::to_json(&text) {
        Ok(value) => {
            let mut bytes = Vec::new();
            let document = podsec_yaml::documents(&text).next().unwrap().unwrap();
            document.write_json(&mut bytes);
            assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value, "{text:?}");
            Ok(value["a"].clone())
        }
        Err(error) => Err(error.message),
    }
}

#[track_caller]
fn table(rows: &[(&str, Value)]) {
    for (text, expected) in rows {
        assert_eq!(value(text).as_ref(), Ok(expected), "{text:?}");
    }
}

#[test]
fn booleans_are_those_of_yaml_1_1() {
    for text in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "!!bool \"yes\""] {
        assert_eq!(value(text), Ok(json!(true)), "{text:?}");
    }
    for text in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] {
        assert_eq!(value(text), Ok(json!(false)), "{text:?}");
    }
    for text in ["yEs", "tRUE", "oN", "'yes'", "\"no\"", "!!str on", "! y"] {
        assert!(value(text).unwrap().is_string(), "{text:?}");
    }
}

#[test]
fn integers_have_the_bases_of_go() {
    table(&[
        ("0400", json!(256)),
        ("0o17", json!(15)),
        ("0O17", json!(15)),
        ("0x1F", json!(31)),
        ("-0x1F", json!(-31)),
        ("0b11", json!(3)),
        ("0B11", json!(3)),
        ("-0b11", json!(-3)),
        ("0b-11", json!(-3)),
        ("+5", json!(5)),
        ("00", json!(0)),
        ("-0", json!(0)),
        ("08", json!(8)),
        ("1_000", json!(1000)),
        ("1_", json!(1)),
        ("0_7", json!(7)),
        ("0x_1", json!(1)),
        ("_1", json!("_1")),
        ("0b102", json!("0b102")),
        ("0o8", json!("0o8")),
        ("0x", json!("0x")),
        ("1:30", json!("1:30")),
        ("9223372036854775807", json!(i64::MAX)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("-9223372036854775809", json!(-9_223_372_036_854_775_808_f64)),
        ("123456789012345678901234567890", json!(1.234_567_890_123_456_8e29)),
        ("0xFFFFFFFFFFFFFFFFFF", json!("0xFFFFFFFFFFFFFFFFFF")),
        ("!!int \"3\"", json!(3)),
        ("!<tag:yaml.org,2002:int> '3'", json!(3)),
    ]);
}

#[test]
fn floats_are_decimal_and_whole_ones_become_integers() {
    table(&[
        ("1.0", json!(1)),
        ("1e3", json!(1000)),
        ("+1e3", json!(1000)),
        ("12e03", json!(12000)),
        ("1.e3", json!(1000)),
        ("0.", json!(0)),
        (".5", json!(0.5)),
        ("+.5", json!(0.5)),
        ("-.5", json!(-0.5)),
        (".5_0", json!(0.5)),
        (".5__0", json!(".5__0")),
        ("1_0.5", json!(10.5)),
        ("1e-7", json!(1e-7)),
        ("1e20", json!(1e20)),
        ("123456789.125", json!(123_456_789.125)),
        ("1e400", json!("1e400")),
        ("1e", json!("1e")),
        (".e3", json!(".e3")),
        (".", json!(".")),
        ("0x1p-2", json!("0x1p-2")),
        ("+.nan", json!("+.nan")),
        ("1.2.3", json!("1.2.3")),
        ("!!float 3", json!(3)),
        ("!!float 0x1F", json!(31)),
    ]);
    for text in [".nan", ".NaN", ".inf", "-.inf", "+.INF", "!!float .inf"] {
        assert_eq!(value(text).unwrap_err(), "infinity and not-a-number have no JSON form", "{text:?}");
    }
}

#[test]
fn floats_are_written_as_go_writes_them() {
    for (text, expected) in [
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.25e-10", "1.25e-10"),
        ("123456789.123456789", "123456789.12345679"),
        ("123456789012345678901234567890", "1.2345678901234568e+29"),
        ("-0.0", "-0"),
        ("2.0", "2"),
    ] {
        let mut bytes = Vec::new();
        podsec_yaml::documents(text).next().unwrap().unwrap().write_json(&mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

#[test]
fn everything_else_is_null_or_a_string() {
    table(&[
        ("", Value::Null),
        ("~", Value::Null),
        ("null", Value::Null),
        ("NULL", Value::Null),
        ("!!null", Value::Null),
        ("!!null ''", Value::Null),
        ("nULL", json!("nULL")),
        ("''", json!("")),
        ("!!str", json!("")),
        ("!!str 12", json!("12")),
        ("! 123", json!("123")),
        ("! \"123\"", json!("123")),
        ("!foo 12", json!("12")),
        ("!<!x> \"3\"", json!("3")),
        ("!!python/none x", json!("x")),
        ("!!seq foo", json!("foo")),
        ("!!map [1]", json!([1])),
        ("!!set {b}", json!({"b": null})),
        ("!!merge x", json!("x")),
        ("2001-01-01", json!("2001-01-01")),
        ("!!timestamp 2001-01-01", json!("2001-01-01")),
        ("!!binary aGk=", json!("hi")),
        ("!!binary aGkh", json!("hi!")),
        ("!!binary aA==", json!("h")),
        ("<<", json!("<<")),
        ("\"<<\"", json!("<<")),
        ("?x", json!("?x")),
        (":x", json!(":x")),
        ("x#y", json!("x#y")),
        ("x #y", json!("x")),
        ("'it''s'", json!("it's")),
        (r#""\x41\u0042\U00000043\e\_\N\ ""#, json!("ABC\u{1b}\u{a0}\u{85} ")),
        ("\t1", json!(1)),
    ]);
}

#[test]
fn tags_that_do_not_fit_are_refused() {
    for (text, message) in [
        ("!!int 3.5", "cannot decode !!float `3.5` as a !!int"),
        ("!!int foo", "cannot decode !!str `foo` as a !!int"),
        ("!!null foo", "cannot decode !!str `foo` as a !!null"),
        ("!!timestamp x", "cannot decode !!str `x` as a !!timestamp"),
        ("!!binary '!!'", "!!binary value contains invalid base64 data"),
        ("!!binary aGk=aGk=", "!!binary value contains invalid base64 data"),
    ] {
        assert_eq!(value(text).unwrap_err(), message, "{text:?}");
    }
}

#[test]
fn keys_become_strings_as_upstream_spells_them() {
    for (text, key) in [
        ("y: 1", "true"),
        ("n: 1", "false"),
        ("0x10: 1", "16"),
        ("1.5: 1", "1.5"),
        ("1.0: 1", "1"),
        ("0.1: 1", "0.1"),
        ("1e10: 1", "1e+10"),
        ("1e-5: 1", "1e-05"),
        ("123456.0: 1", "123456"),
        ("1234567.0: 1", "1.234567e+06"),
        ("123456789.0: 1", "1.2345679e+08"),
        ("1e100: 1", ".inf"),
        ("-.inf: 1", "-.inf"),
        (".nan: 1", ".nan"),
        ("2001-01-01: 1", "2001-01-01"),
        ("'y': 1", "y"),
        ("\"<<\": 1", "<<"),
        ("!!str <<: 1", "<<"),
        ("? >\n  x\n: 1", "x\n"),
        ("&a b: 1", "b"),
    ] {
        assert_eq!(podsec_yaml::to_json(text), Ok(json!({ key: 1 })), "{text:?}");
    }
}

#[test]
fn what_kubernetes_refuses_is_refused() {
    for text in [
        "~: a",
        "a: 1\n: a",
        "[a]: b",
        "? [a]\n: b",
        "{a: b}: c",
        "18446744073709551615: a",
        "a: *x",
        "a: &x [*x]",
        "a: \"\\/\"",
        r#"a: "\ud83d\ude00""#,
        "a: {b: c, <<: 1}",
        "<<: null",
        "<<: [1]",
        "\ta: b",
        "a:\n\t- b",
        "a: @x",
        "a: `x",
        "a: %x",
        "a: ,x",
        "a: [,]",
        "a: {,}",
        "a: - 1",
        "a: -",
        "a: b: c",
        "a: [a, b]]",
        "a: 1\n- a",
        "'a",
        "\"a\"b: c",
        "a: \"b\" c",
        "a:\n  b\n  c: d",
        "a:\n  b: c\n d: e",
        "a: !e!x y",
        "a: x\u{1}",
        "a: x\u{7f}",
        "a: x\u{9f}",
        "a: {{ x }}",
        "{{ x }}: 1",
    ] {
        assert!(podsec_yaml::to_json(text).is_err(), "{text:?}");
    }
}

#[test]
fn separators_that_only_kubernetes_takes_for_line_ends_are_refused() {
    for text in ["a: b # c\u{2028}d: e", "a: \"b\u{2029}c\""] {
        let error = podsec_yaml::to_json(text).unwrap_err();
        assert!(error.message.contains("line break"), "{text:?}: {error}");
    }
    let json = podsec_yaml::documents("{\"a\": \"b\u{2028}c\"}").next().unwrap().unwrap();
    assert_eq!(json.to_json(), json!({"a": "b\u{2028}c"}));
}

#[test]
fn u0085_is_a_line_break_as_for_kubernetes() {
    for (text, want) in [
        ("# a\u{85}b: c\nd: e\n", json!({"b": "c", "d": "e"})),
        ("a: b\u{85}c: d", json!({"a": "b", "c": "d"})),
        ("a: \"b\u{85}  c\"", json!({"a": "b c"})),
        ("a: |\n  b\u{85}  c\n", json!({"a": "b\nc\n"})),
        ("a: é\u{85}\u{85}  b", json!({"a": "é\nb"})),
    ] {
        assert_eq!(podsec_yaml::to_json(text).unwrap(), want, "{text:?}");
    }
    let text = "a: x\u{85}é: y\n";
    let document = podsec_yaml::documents(text).next().unwrap().unwrap();
    let value = document.root().get("é").unwrap();
    assert_eq!(&text[value.span().range()], "y", "places are those of the text");
    let json = podsec_yaml::documents("{\"a\": \"b\u{85}c\"}").next().unwrap().unwrap();
    assert_eq!(json.to_json(), json!({"a": "b\u{85}c"}), "JSON has no such line break");
}
