//! Whatever is read directly, granit reads alike.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::parse::granit;

const TELLING: &str = include_str!("../../../tests/data/direct.yaml");

#[test]
fn what_manifests_are_made_of_is_read_directly() {
    compare(TELLING);
    for chunk in chunks(TELLING) {
        let direct = direct(TELLING, chunk, Source::Manifest);
        assert!(direct.is_some(), "{:?}", &TELLING[chunk.range()]);
    }
}

#[test]
fn what_only_granit_reads_is_declined() {
    for text in [
        "a: &x 1",
        "a: *x",
        "a: !!str 1",
        "<<: {a: 1}",
        "? a\n: b",
        "%YAML 1.1\n---\na: 1",
        "a: 1\n...\n",
        "a: 1\n--- \nb: 2",
        "\u{feff}a: 1",
        "a: 1\r\n",
        "a:\t1",
        "a: 1\t",
        "a\tb: 1",
        "a:\n\tb: 1",
        "{a: 1}",
        "--- {a: 1}",
        "[a]",
        "a",
        "'a'",
        "|\n a",
        "-",
        "- a\n-\n- b",
        "a: |2\n  b",
        "a: |\n",
        "a: |\nb: 1",
        "a: |\n    \n  b",
        "a: [b: c]",
        "a: {b, c}",
        "a: {b: }",
        "a: [b\n  c]",
        ".nan: 1",
        "1.5: 1",
        "a: \"\\/\"",
        "a: \"\\ud83d\\ude00\"",
        // And what nobody can read.
        "a: b: c",
        "a: b\n c: d",
        "a: b\n  - c:",
        "a: 1\n  b: 2",
        "  a: 1\n b: 2",
        "a: 1\n- b",
        "- a\nb: 1",
        "a: - b",
        "a: [b",
        "a: [b}",
        "a: {b: c]",
        "a: 'b",
        "a: 'b' c",
        "a: \"b\n---\nc\"",
        "a: \"\\q\"",
        "a: [b]#c",
        "a: 'b'#c",
        "a: @b",
        "a: `b",
        "a: ]",
        "a: .inf",
        "a: [.nan]",
        "~: 1",
        "a: b\0c",
        "a: b\u{7f}",
        "a: b\u{2028}c",
        "a: b\u{fffe}c",
    ] {
        let span = Span { start: 0, end: text.len() };
        assert!(direct(text, span, Source::Manifest).is_none(), "{text:?}");
        compare(text);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for text in [
        "a: ".to_owned() + &"[".repeat(100_000),
        "- ".repeat(100_000),
        format!("{}: 1", "k".repeat(2000)),
        format!("{}: 1", "'k".repeat(2000)),
        format!("a: {{{}: 1}}", "k".repeat(2000)),
    ] {
        assert!(direct(&text, Span { start: 0, end: text.len() }, Source::Manifest).is_none());
    }
}

#[test]
fn long_lines_of_any_script_are_read() {
    compare(&format!("a: [{}]", "é, ü, 'ö', ".repeat(20_000)));
}

#[test]
fn a_body_without_its_last_line_break_keeps_its_end() {
    for text in ["a: |\n  b", "a: |\n  b\n", "a: |+\n  b\n\n  ", "a: >-\n  b\n  c", "a: |\n  b\n # c"] {
        compare(text);
    }
}

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn real_manifests_are_read_directly() {
    let (mut bytes, mut direct) = (0, 0);
    for path in &*CORPUS {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        bytes += text.len();
        direct += compare_documents(&text);
    }
    assert!(direct * 100 >= bytes * 98, "{direct} of {bytes}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_is_read_otherwise(start in any::<prop::sample::Index>(), mutations in prop::collection::vec(mutation(), 0..4)) {
        compare(&mutated(document_of(TELLING, start), &mutations));
    }

    #[test]
    fn no_text_made_of_yaml_is_read_otherwise(pieces in prop::collection::vec(piece(), 0..24)) {
        compare(&pieces.concat());
    }

    #[test]
    #[ignore = "needs manifests of other projects: make conformance"]
    fn no_mutation_of_a_real_manifest_is_read_otherwise(
        file in any::<prop::sample::Index>(),
        start in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let bytes = std::fs::read(file.get(&CORPUS)).unwrap();
        compare(&mutated(document_of(&String::from_utf8_lossy(&bytes), start), &mutations));
    }
}

/// Fails when anything of a text is read directly and otherwise than by granit.
fn compare(text: &str) {
    compare_document(text, Span { start: 0, end: text.len() }, Source::Body);
    compare_documents(text);
    for chunk in chunks(text) {
        let separated = Span { start: text[..chunk.start].rfind("---").unwrap_or(0), ..chunk };
        compare_document(text, separated, Source::Manifest);
    }
}

/// [`compare`] for the documents of a manifest. Bytes that were read directly.
fn compare_documents(text: &str) -> usize {
    let direct = chunks(text).into_iter().filter(|chunk| compare_document(text, *chunk, Source::Manifest));
    direct.map(|chunk| chunk.end - chunk.start).sum()
}

fn compare_document(text: &str, span: Span, source: Source) -> bool {
    let Some(direct) = direct(text, span, source) else { return false };
    match granit::document(text, span, start(text, span), source) {
        Ok(granit) if direct == granit => {}
        Ok(granit) => panic!("{} in {:?}", difference(&direct, &granit), &text[span.range()]),
        Err(error) => panic!("{error}, but read directly: {:?}", &text[span.range()]),
    }
    true
}

/// The first node that is read otherwise.
fn difference(direct: &Document<'_>, granit: &Document<'_>) -> String {
    let nodes = direct.nodes.iter().zip(&granit.nodes);
    match nodes.into_iter().find(|(direct, granit)| direct != granit) {
        Some((direct, granit)) => format!("{direct:?} is for granit {granit:?}"),
        None => format!("{:?} or {:?}", direct.comments, granit.comments),
    }
}

fn direct(text: &str, span: Span, source: Source) -> Option<Document<'_>> {
    read(text, span, start(text, span), source)
}

fn start(text: &str, span: Span) -> Position {
    Position { line: text[..span.start].matches('\n').count() + 1, column: 1 }
}

/// The bytes between separators.
fn chunks(text: &str) -> Vec<Span> {
    let mut chunks = Vec::new();
    let (mut start, mut offset) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            chunks.push(Span { start, end: offset });
            start = offset + line.len();
        }
        offset += line.len();
    }
    chunks.push(Span { start, end: offset });
    chunks
}

/// One of the first documents of a text, or a long one's first lines.
fn document_of(text: &str, index: prop::sample::Index) -> &str {
    let chunk = &text[index.get(&chunks(text)).range()];
    let end = chunk.match_indices('\n').map(|(end, _)| end + 1).take_while(|end| *end < 4000).last();
    &chunk[..end.unwrap_or(chunk.len())]
}

#[derive(Clone, Debug)]
enum Mutation {
    Insert(prop::sample::Index, &'static str),
    Delete(prop::sample::Index, usize),
    Duplicate(prop::sample::Index, usize),
    /// Indents a line by so much more or less.
    Indent(prop::sample::Index, isize),
    /// Of every line.
    LineEnd(&'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (index(), piece()).prop_map(|(index, piece)| Mutation::Insert(index, piece)),
        2 => (index(), 1_usize..12).prop_map(|(index, length)| Mutation::Delete(index, length)),
        1 => (index(), 1_usize..40).prop_map(|(index, length)| Mutation::Duplicate(index, length)),
        2 => (index(), -3_isize..4).prop_map(|(index, by)| Mutation::Indent(index, by)),
        1 => prop::sample::select(vec!["\r\n", "\n\n", " \n", "\t\n"]).prop_map(Mutation::LineEnd),
    ]
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut text = text.to_owned();
    for mutation in mutations {
        let boundary = |index: &prop::sample::Index| text.floor_char_boundary(index.index(text.len() + 1));
        match mutation {
            Mutation::Insert(index, piece) => text.insert_str(boundary(index), piece),
            Mutation::Delete(index, length) => {
                let start = boundary(index);
                text.replace_range(start..text.ceil_char_boundary(start + length), "");
            }
            Mutation::Duplicate(index, length) => {
                let start = boundary(index);
                let piece = text[start..text.ceil_char_boundary(start + length)].to_owned();
                text.insert_str(start, &piece);
            }
            Mutation::Indent(index, by) => {
                let start = text[..boundary(index)].rfind('\n').map_or(0, |end| end + 1);
                let blanks = text[start..].len() - text[start..].trim_start_matches(' ').len();
                text.replace_range(start..start + blanks, &" ".repeat(blanks.saturating_add_signed(*by)));
            }
            Mutation::LineEnd(end) => text = text.replace('\n', end),
        }
    }
    text
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b: ",
        "c:",
        "- ",
        "-",
        "\n",
        "\n  ",
        "\n    ",
        "\n   ",
        " ",
        "  ",
        ":",
        ": ",
        "?",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        ", ",
        "&",
        "&a ",
        "*",
        "*a",
        "<<: ",
        "!",
        "!!int ",
        "!x ",
        "\"",
        "'",
        "''",
        "\\",
        "\\n",
        "\\\n",
        "\\x41",
        "\\u00e9",
        "|",
        ">",
        "|-\n",
        ">+\n",
        "|\n  x\n",
        ">-\n y\n\n",
        "%",
        "@",
        "`",
        "#",
        " #",
        "# c\n",
        "+",
        "2",
        "~",
        "yes",
        "0x1f",
        ".5",
        ".nan",
        "1e400",
        "\t",
        "\r",
        "\r\n",
        "\n---\n",
        "---",
        "...",
        "...\n",
        "é",
        "日本",
        "😀",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "\0",
        "\u{7f}",
        "\"a\":",
        "k: v\n",
        "\nk: v",
        "\n  k: v\n",
        "\n- i\n",
        "  - i\n",
        "[a, b]",
        "{a: b}",
        "'q'",
        "\"q\"",
        "'m\n  n'",
        "\"m\n\n  n\"",
        "p q\n  r",
    ])
}

/// The manifests of the corpus.
static CORPUS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    manifests(&podsec_testing::recorded::corpus(), &mut paths);
    paths.sort();
    paths
});

fn manifests(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            manifests(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
}
