//! Every node knows its bytes, whatever the text.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use podsec_yaml::{CollectionStyle, Document, Kind, Node, Position, ScalarStyle, documents};
use proptest::prelude::*;

/// Every node below `node`, itself included, as `path @line:column "source"`.
fn outline(node: Node<'_, '_>, path: &str, text: &str, out: &mut Vec<String>) {
    let alias = node.alias().map(|span| format!(" via {}", &text[span.range()])).unwrap_or_default();
    out.push(format!("{path} @{} {:?}{alias}", node.position(), &text[node.span().range()]));
    for (index, item) in node.items().enumerate() {
        outline(item, &format!("{path}[{index}]"), text, out);
    }
    for entry in node.entries() {
        outline(entry.value, &format!("{path}.{}", entry.name), text, out);
    }
}

fn outlined(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    outline(documents(text).next().unwrap().unwrap().root(), "", text, &mut out);
    out
}

#[test]
fn nodes_cover_what_was_written() {
    let text = "\
a: 1 # one
b:
  - x
  - {k: v, m: , \"q\": [1, 2]}
  -
d: |  # literal

  foo

e:   # nothing
f: !t &x >-
  folded
  é
# after
g:
  h: 'i'
";
    assert_eq!(
        outlined(text),
        [
            " @1:1 \"a: 1 # one\\nb:\\n  - x\\n  - {k: v, m: , \\\"q\\\": [1, 2]}\\n  -\\nd: |  # literal\\n\\n  foo\\n\\ne:   # nothing\\nf: !t &x >-\\n  folded\\n  é\\n# after\\ng:\\n  h: 'i'\"",
            ".a @1:4 \"1\"",
            ".b @3:3 \"- x\\n  - {k: v, m: , \\\"q\\\": [1, 2]}\\n  -\"",
            ".b[0] @3:5 \"x\"",
            ".b[1] @4:5 \"{k: v, m: , \\\"q\\\": [1, 2]}\"",
            ".b[1].k @4:9 \"v\"",
            ".b[1].m @4:14 \"\"",
            ".b[1].q @4:22 \"[1, 2]\"",
            ".b[1].q[0] @4:23 \"1\"",
            ".b[1].q[1] @4:26 \"2\"",
            ".b[2] @5:4 \"\"",
            ".d @6:4 \"|  # literal\\n\\n  foo\"",
            ".e @10:3 \"\"",
            ".f @11:10 \">-\\n  folded\\n  é\"",
            ".g @16:3 \"h: 'i'\"",
            ".g.h @16:6 \"'i'\"",
        ]
    );
}

#[test]
fn keys_styles_tags_and_anchors_are_known() {
    let text = "é: !!int &x \"3\"\n'k': [a]\nl: |\n  x\n";
    let document = documents(text).next().unwrap().unwrap();
    let entries = document.root().entries();
    let (first, second, third) = (&entries[0], &entries[1], &entries[2]);
    assert_eq!(first.key.position(), Position { line: 1, column: 1 });
    assert_eq!(first.value.position(), Position { line: 1, column: 13 });
    assert_eq!(first.value.tag().map(|span| &text[span.range()]), Some("!!int"));
    assert_eq!(first.value.anchor().map(|span| &text[span.range()]), Some("&x"));
    assert_eq!(first.value.kind(), Kind::Scalar(ScalarStyle::DoubleQuoted));
    assert_eq!(&text[second.key.span().range()], "'k'");
    assert_eq!(second.value.kind(), Kind::Sequence(CollectionStyle::Flow));
    assert_eq!(third.value.kind(), Kind::Scalar(ScalarStyle::Literal));
    assert_eq!(document.root().kind(), Kind::Mapping(CollectionStyle::Block));
}

#[test]
fn what_stands_behind_an_alias_says_so() {
    let text = "base: &b {s: {p: 1}}\nuse: *b\nmerge:\n  <<: *b\n  t: 2\n";
    let document = documents(text).next().unwrap().unwrap();
    let outer = |path: &[&str]| {
        let node = path.iter().fold(document.root(), |node, name| node.get(name).unwrap());
        (node.position().to_string(), node.alias_position().map(|position| position.to_string()))
    };
    assert_eq!(outer(&["base", "s", "p"]), ("1:18".to_owned(), None));
    assert_eq!(outer(&["use"]), ("1:10".to_owned(), Some("2:6".to_owned())));
    assert_eq!(outer(&["use", "s", "p"]), ("1:18".to_owned(), Some("2:6".to_owned())));
    assert_eq!(outer(&["merge", "s"]), ("1:14".to_owned(), Some("4:7".to_owned())));
    assert_eq!(outer(&["merge", "t"]), ("5:6".to_owned(), None));
    let merged = document.root().get("merge").unwrap().entries();
    let merged: Vec<_> = merged.iter().map(|entry| (&*entry.name, entry.merged.is_some())).collect();
    assert_eq!(merged, [("s", true), ("t", false)]);
}

#[test]
fn places_in_later_documents_count_from_the_start_of_the_text() {
    let text = "# é\na: 1\n---\n# c\nb:\n  c: 2\n---\n&\n";
    let second = documents(text).nth(1).unwrap().unwrap();
    let value = second.root().get("b").unwrap().get("c").unwrap();
    assert_eq!(value.position(), Position { line: 6, column: 6 });
    assert_eq!(&text[value.span().range()], "2");
    assert_eq!(&text[second.span().range()], "# c\nb:\n  c: 2\n");
    let comment = second.comments()[0];
    assert_eq!((&text[comment.span.range()], comment.position.to_string()), ("# c", "4:1".to_owned()));
    let error = documents(text).nth(2).unwrap().unwrap_err();
    assert_eq!(error.line, 8);
}

#[test]
fn a_list_starts_at_its_first_dash() {
    let text = "a:\n- - x\n- -5\nb: # c\n  - y\nc: &x\n# d\n-\n  e: f\n";
    assert_eq!(
        outlined(text)[1..],
        [
            ".a @2:1 \"- - x\\n- -5\"",
            ".a[0] @2:3 \"- x\"",
            ".a[0][0] @2:5 \"x\"",
            ".a[1] @3:3 \"-5\"",
            ".b @5:3 \"- y\"",
            ".b[0] @5:5 \"y\"",
            ".c @8:1 \"-\\n  e: f\"",
            ".c[0] @9:3 \"e: f\"",
            ".c[0].e @9:6 \"f\"",
        ]
    );
}

#[test]
fn a_comment_behind_its_first_dash_does_not_move_a_list() {
    let read_by = |documents: podsec_yaml::Documents<'_>| {
        let document = documents.last().unwrap().unwrap();
        document.root().get("a").unwrap().position().to_string()
    };
    let text = "a: # -\n# -\n- # c\n  b: 1\n";
    assert_eq!(read_by(documents(text)), "3:1");
    assert_eq!(read_by(podsec_yaml::documents_by_granit(text)), "3:1");
}

#[test]
fn quoted_lines_may_start_anywhere() {
    let text = "\
a:
  b: 'x
y

  é' # c
  c: \"1
\t2\" # d
d:
- \"3
4\"
e: f
";
    assert_eq!(
        outlined(text)[1..],
        [
            ".a @2:3 \"b: 'x\\ny\\n\\n  é' # c\\n  c: \\\"1\\n\\t2\\\"\"",
            ".a.b @2:6 \"'x\\ny\\n\\n  é'\"",
            ".a.c @6:6 \"\\\"1\\n\\t2\\\"\"",
            ".d @9:1 \"- \\\"3\\n4\\\"\"",
            ".d[0] @9:3 \"\\\"3\\n4\\\"\"",
            ".e @11:4 \"f\"",
        ]
    );
    let document = documents(text).next().unwrap().unwrap();
    assert_eq!(document.to_json()["a"]["b"], "x y\né");
    assert_eq!(document.to_json()["d"][0], "3 4");
    let comments: Vec<_> = document
        .comments()
        .iter()
        .map(|comment| (comment.position.to_string(), &text[comment.span.range()]))
        .collect();
    assert_eq!(comments, [("5:6".to_owned(), "# c"), ("7:5".to_owned(), "# d")]);
    let error = documents("a:\n  b: 'x\ny'\n  c: [\n").next().unwrap().unwrap_err();
    assert_eq!((error.line, error.column), (4, 6));
}

fn check_everything(text: &str) {
    for document in documents(text) {
        match document {
            Ok(document) => check_document(&document, text),
            Err(error) => {
                assert!(text.is_char_boundary(error.offset.min(text.len())), "{text:?}: {error:?}");
                assert!(error.line >= 1 && error.column >= 1, "{text:?}: {error:?}");
            }
        }
    }
    if let Ok(value) = podsec_yaml::to_json(text) {
        let _ = podsec_yaml::to_json_strict(text).is_ok_and(|strict| {
            assert_eq!(strict, value);
            true
        });
    }
}

fn check_document(document: &Document<'_>, text: &str) {
    let mut bytes = Vec::new();
    document.write_json(&mut bytes);
    let parsed: serde_json::Value = {
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        match serde::Deserialize::deserialize(&mut deserializer) {
            Ok(value) => value,
            Err(error) => {
                assert!(error.to_string().contains("recursion limit"), "{text:?}: {error}");
                return;
            }
        }
    };
    assert_eq!(parsed, document.to_json(), "{text:?}");
    let _ = document.duplicates();
    for comment in document.comments() {
        assert!(text[comment.span.range()].starts_with('#'), "{text:?}");
    }
    if let Some(unread) = document.unread() {
        let _ = &text[unread.range()];
    }
    check_node(document.root(), text);
}

fn check_node(node: Node<'_, '_>, text: &str) {
    let source = &text[node.span().range()];
    match node.kind() {
        Kind::Sequence(CollectionStyle::Flow) => assert!(source.starts_with('['), "{text:?} {source:?}"),
        Kind::Scalar(ScalarStyle::DoubleQuoted) => assert!(source.starts_with('"'), "{text:?} {source:?}"),
        Kind::Scalar(ScalarStyle::SingleQuoted) => assert!(source.starts_with('\''), "{text:?} {source:?}"),
        Kind::Scalar(ScalarStyle::Literal) => assert!(source.starts_with('|'), "{text:?} {source:?}"),
        Kind::Scalar(ScalarStyle::Folded) => assert!(source.starts_with('>'), "{text:?} {source:?}"),
        _ => {}
    }
    for item in node.items() {
        check_node(item, text);
    }
    for entry in node.entries() {
        check_node(entry.key, text);
        check_node(entry.value, text);
        assert!(node.get(&entry.name).is_some(), "{text:?} {}", entry.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[ -~\n\t\r\u{85}\u{feff}\u{2028}é😀]{0,80}") {
        check_everything(&text);
    }

    #[test]
    fn no_text_made_of_yaml_panics(pieces in prop::collection::vec(piece(), 0..40)) {
        check_everything(&pieces.concat());
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "!x ",
        "\"",
        "'",
        "\\",
        "|",
        ">",
        "-",
        "+",
        "2",
        "\n---\n",
        "---",
        "...\n",
        "# c\n",
        " #",
        "~",
        "yes",
        "0x1f",
        ".5",
        "\t",
        "\r\n",
        "é",
        "\u{feff}",
        "%YAML 1.1\n",
        "{\"a\":1}",
        "|\n  x\n",
        ">-\n y\n\n",
        "1e400",
        ".nan",
        "\\/",
    ])
}
