//! Which file of a crate uses which: modules by their files, and the paths in them as the compiler would follow them.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, tokens};
use crate::workspace::rust_files;

type Path = Vec<String>;

/// A crate's modules, each with the file it stands in.
pub(crate) struct Modules {
    files: BTreeMap<Path, Source>,
}

/// What one file says.
#[derive(Default)]
struct Source {
    file: String,
    /// Names that `use` brings into the module, and the paths they stand for, from the crate's root.
    imports: BTreeMap<String, Path>,
    /// `use path::*`.
    globs: Vec<Path>,
    /// What the file uses: the paths of its imports and re-exports, and those within its code.
    used: BTreeSet<Path>,
    /// Paths within its code that begin with a name which something else must have brought in.
    named: BTreeSet<Path>,
}

impl Modules {
    /// Reads the crate under `crates/PACKAGE/src`.
    pub(crate) fn of_package(package: &str) -> Self {
        let folder = format!("crates/{package}/src");
        Self::new(&folder, &rust_files(&folder))
    }

    pub(crate) fn new(folder: &str, files: &[(String, String)]) -> Self {
        let paths: BTreeSet<Path> = files.iter().map(|(file, _)| module_path(folder, file)).collect();
        let read = |(file, text): &(String, String)| {
            let path = module_path(folder, file);
            let mut reader = Reader::new(&path, &paths);
            reader.read(&tokens(text));
            let mut source = reader.source;
            source.file.clone_from(file);
            for path in std::mem::take(&mut source.named) {
                if let Some(import) = source.imports.get(&path[0]) {
                    source.used.insert([import.as_slice(), &path[1..]].concat());
                }
            }
            (path, source)
        };
        Self { files: files.iter().map(read).collect() }
    }

    /// For each file the others that it uses: those that define what its imports, its re-exports and the paths in its code
    /// name. An import of a re-exported name leads to the file that defines it, not to the one that passes it on; the
    /// re-export is a use by the file that has it. A declaration `mod x;` alone is none.
    pub(crate) fn uses(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut uses = BTreeMap::new();
        for source in self.files.values() {
            let targets = source.used.iter().filter_map(|path| self.resolve(path, 0));
            uses.insert(source.file.as_str(), targets.filter(|file| *file != source.file).collect());
        }
        uses
    }

    /// The file in which what a path names is defined: through re-exports to the end.
    fn resolve(&self, path: &[String], depth: usize) -> Option<&str> {
        // The longest beginning of the path that is a file.
        let length = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
        let source = &self.files[&path[..length]];
        let Some(name) = path.get(length) else { return Some(&source.file) };
        if depth < 20 {
            if let Some(import) = source.imports.get(name) {
                let further = [import.as_slice(), &path[length + 1..]].concat();
                return self.resolve(&further, depth + 1);
            }
            for glob in &source.globs {
                let further = [glob.as_slice(), &path[length..]].concat();
                if let Some(file) = self.resolve(&further, depth + 1)
                    && *file != self.files[glob.as_slice()].file
                {
                    return Some(file);
                }
            }
        }
        Some(&source.file)
    }
}

/// `src/lib.rs` is the root, `src/a/mod.rs` and `src/a.rs` are `a`.
fn module_path(folder: &str, file: &str) -> Path {
    let relative = file.strip_prefix(folder).unwrap().trim_start_matches('/').trim_end_matches(".rs");
    let mut path: Path = relative.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("lib" | "main" | "mod")) {
        path.pop();
    }
    path
}

/// Walks over the tokens of one file.
struct Reader<'m> {
    module: Path,
    modules: &'m BTreeSet<Path>,
    source: Source,
}

impl<'m> Reader<'m> {
    fn new(module: &Path, modules: &'m BTreeSet<Path>) -> Self {
        Self { module: module.clone(), modules, source: Source::default() }
    }

    fn read(&mut self, tokens: &[Token<'_>]) {
        // Modules written inside of this file, with the depth of braces that closes each.
        let mut inline: Vec<(String, usize)> = Vec::new();
        let mut depth = 0;
        let mut at = 0;
        while at < tokens.len() {
            match tokens[at] {
                Token::Punctuation('#') if is_test_module(&tokens[at..]).is_some() => {
                    at += is_test_module(&tokens[at..]).unwrap_or(1);
                    continue;
                }
                Token::Punctuation('{') => depth += 1,
                Token::Punctuation('}') => {
                    depth -= 1;
                    if inline.last().is_some_and(|(_, at)| *at == depth) {
                        inline.pop();
                    }
                }
                Token::Word("mod")
                    if let Some([Token::Word(name), Token::Punctuation('{')]) =
                        tokens.get(at + 1..at + 3) =>
                {
                    inline.push(((*name).to_owned(), depth));
                    depth += 1;
                    at += 3;
                    continue;
                }
                // Who may see an item, as in `pub(in crate::a)`, is nothing that the item needs.
                Token::Word("pub")
                    if let Some([Token::Punctuation('('), Token::Word("in")]) =
                        tokens.get(at + 1..at + 3) =>
                {
                    let end = tokens[at..].iter().position(|token| *token == Token::Punctuation(')'));
                    at += end.unwrap();
                }
                // Not the `use<'a>` of a type.
                Token::Word("use") if tokens.get(at + 1) != Some(&Token::Punctuation('<')) => {
                    let end = tokens[at..].iter().position(|token| *token == Token::Punctuation(';'));
                    let end = at + end.unwrap();
                    let mut leaves = Vec::new();
                    tree(&tokens[at + 1..end], &mut Vec::new(), &mut leaves);
                    for leaf in leaves {
                        self.import(leaf, inline.len());
                    }
                    at = end;
                }
                Token::Word(_) => {
                    let path = path_at(tokens, at);
                    let within = at > 0 && tokens[at - 1] == Token::PathSeparator;
                    if !within && path.len() > 1 {
                        at += 2 * path.len() - 1;
                        if let Some(path) = self.absolute(&path, inline.len()) {
                            self.source.used.insert(path);
                        } else {
                            self.source.named.insert(path);
                        }
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn import(&mut self, leaf: Leaf, inline: usize) {
        let Some(path) = self.absolute(&leaf.path, inline) else { return };
        self.source.used.insert(path.clone());
        if leaf.name == "*" {
            self.source.globs.push(path);
        } else {
            self.source.imports.insert(leaf.name, path);
        }
    }

    /// The path from the crate's root, for a path as written in this module; none if it leads out of the crate.
    fn absolute(&self, path: &[String], inline: usize) -> Option<Path> {
        let first = path.first()?;
        let mut rest = path;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => {
                let child = [self.module.as_slice(), std::slice::from_ref(first)].concat();
                return self.modules.contains(&child).then(|| [self.module.as_slice(), path].concat());
            }
        };
        // `super` first leaves the modules that are written inside of this file.
        let mut inside = inline;
        if matches!(first.as_str(), "crate" | "self") {
            rest = &rest[1..];
        }
        while rest.first().is_some_and(|name| name == "super") {
            if inside > 0 {
                inside -= 1;
            } else {
                base.pop();
            }
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }
}

/// A name that a `use` brings in.
struct Leaf {
    path: Path,
    name: String,
}

/// `a::{b, c as d}` has the leaves `a::b` called `b` and `a::c` called `d`.
fn tree(tokens: &[Token<'_>], prefix: &mut Path, leaves: &mut Vec<Leaf>) {
    let length = prefix.len();
    let mut at = 0;
    let mut name = None;
    let mut grouped = false;
    while at < tokens.len() {
        match tokens[at] {
            Token::Word("as") => {
                if let Some(Token::Word(renamed)) = tokens.get(at + 1) {
                    name = Some((*renamed).to_owned());
                }
                at += 1;
            }
            Token::Word("self") if !prefix.is_empty() && prefix.len() == length => {}
            Token::Word(word) => prefix.push(word.to_owned()),
            Token::Punctuation('*') => name = Some("*".to_owned()),
            Token::Punctuation('{') => {
                grouped = true;
                for part in parts(&tokens[at + 1..]) {
                    tree(part, prefix, leaves);
                }
                break;
            }
            _ => {}
        }
        at += 1;
    }
    if !grouped && !prefix.is_empty() {
        let name = name.unwrap_or_else(|| prefix.last().cloned().unwrap_or_default());
        leaves.push(Leaf { path: prefix.clone(), name });
    }
    prefix.truncate(length);
}

/// The parts of a group between its commas, up to its closing brace.
fn parts<'s, 't>(tokens: &'s [Token<'t>]) -> Vec<&'s [Token<'t>]> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Punctuation('{') => depth += 1,
            Token::Punctuation('}') if depth == 0 => {
                parts.push(&tokens[start..at]);
                break;
            }
            Token::Punctuation('}') => depth -= 1,
            Token::Punctuation(',') if depth == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The words of the path that begins at a token.
fn path_at(tokens: &[Token<'_>], at: usize) -> Path {
    let mut path = Path::new();
    let mut next = at;
    while let Some(Token::Word(word)) = tokens.get(next) {
        path.push((*word).to_owned());
        if tokens.get(next + 1) != Some(&Token::PathSeparator) {
            break;
        }
        next += 2;
    }
    path
}

/// The number of tokens of a `#[cfg(test)]` item with a body: what tests use is no part of the program.
fn is_test_module(tokens: &[Token<'_>]) -> Option<usize> {
    use Token::{Punctuation, Word};
    let attribute =
        [Punctuation('#'), Punctuation('['), Word("cfg"), Punctuation('('), Word("test"), Punctuation(')')];
    if !tokens.starts_with(&attribute) {
        return None;
    }
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Punctuation(';') if depth == 0 => return Some(at + 1),
            Punctuation('{') => depth += 1,
            Punctuation('}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
fn uses_of(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<(String, String)> =
        files.iter().map(|(file, text)| (format!("src/{file}"), (*text).to_owned())).collect();
    let modules = Modules::new("src", &files);
    let uses = modules.uses();
    let name = |file: &str| file.trim_start_matches("src/").to_owned();
    uses.iter()
        .flat_map(|(from, to)| to.iter().map(move |to| format!("{} -> {}", name(from), name(to))))
        .collect()
}

#[test]
fn a_path_leads_through_re_exports_to_the_file_that_defines() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::Thing;"),
        ("a.rs", "pub struct Thing;"),
        ("b.rs", "use crate::Thing; use std::fmt;"),
    ];
    assert_eq!(uses_of(&files), ["b.rs -> a.rs", "lib.rs -> a.rs"]);
}

#[test]
fn a_re_export_is_a_use_by_the_file_that_has_it() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; pub(crate) use b::B; pub struct A;"),
        ("a/b.rs", "use super::A; pub struct B(A);"),
    ];
    assert_eq!(uses_of(&files), ["a/b.rs -> a/mod.rs", "a/mod.rs -> a/b.rs"]);
}

#[test]
fn a_path_through_an_imported_module_leads_to_the_file_that_defines() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod c; pub use c::run;"),
        ("a/c.rs", "pub fn run() {}"),
        ("b.rs", "use crate::a; fn f() { a::run() }"),
    ];
    assert_eq!(uses_of(&files), ["a/mod.rs -> a/c.rs", "b.rs -> a/c.rs", "b.rs -> a/mod.rs"]);
}

#[test]
fn paths_within_code_count_as_those_of_use_do() {
    let files = [
        ("lib.rs", "mod a; fn f() { a::g(); }"),
        ("a/mod.rs", "mod c; pub fn g() { self::c::h(); super::f(); }"),
        ("a/c.rs", "pub fn h() { let x = crate::a::g; }"),
    ];
    assert_eq!(
        uses_of(&files),
        ["a/c.rs -> a/mod.rs", "a/mod.rs -> a/c.rs", "a/mod.rs -> lib.rs", "lib.rs -> a/mod.rs"]
    );
}

#[test]
fn groups_names_and_modules_within_a_file_are_followed() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::{b::{self, B as Other}, c::*}; mod inner { use super::X; }"),
        ("b.rs", "#[cfg(test)] mod tests { use crate::c::C; }"),
        ("c.rs", "pub(crate) use crate::b::B;"),
    ];
    assert_eq!(uses_of(&files), ["a.rs -> b.rs", "a.rs -> c.rs", "c.rs -> b.rs"]);
}

#[test]
fn whom_an_item_is_visible_to_is_no_use() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; pub(in crate::a) fn f() { b::g() }"),
        ("a/b.rs", "pub(in crate::a) fn g() {}"),
    ];
    assert_eq!(uses_of(&files), ["a/mod.rs -> a/b.rs"]);
}
