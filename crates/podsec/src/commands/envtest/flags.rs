//! A command line as Go's programs read it: `--name=value`, `--name value`, and a bool without a value is true.

use std::ffi::OsString;

use podsec_go::quote::quoted;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`; nothing is true.
    Bool,
    /// A text; the last one counts.
    Text,
    /// Texts; all count.
    Texts,
}

/// Which of Go's two packages reads the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `github.com/spf13/pflag`: two dashes, or one before a letter; underscores are dashes.
    Pflag,
    /// `flag` of the standard library: one dash or two.
    Standard,
}

/// The flags of a command line, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(Vec<(String, String)>);

/// Why a command line cannot be used, in Go's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Help is asked for.
    #[error("help requested")]
    Help,
    /// There is no such flag.
    #[error("unknown flag: {0}")]
    Unknown(String),
    /// A value is missing.
    #[error("flag needs an argument: --{0}")]
    NoValue(String),
    /// A value is no bool.
    #[error(
        "invalid argument {0} for \"--{name}\" flag: strconv.ParseBool: parsing {0}: invalid syntax",
        quoted(value)
    )]
    NoBool {
        /// The flag.
        name: String,
        /// Its value.
        value: String,
    },
    /// A word is no flag.
    #[error("does not take any arguments, got [{}]", .0.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))]
    Positional(Vec<String>),
    /// A word is no text.
    #[error("{0:?} is no UTF-8")]
    NoText(OsString),
}

impl Flags {
    /// Reads words. `kind` says what a flag takes, if there is such a flag.
    pub(super) fn read(
        words: &[OsString],
        dialect: Dialect,
        kind: impl Fn(&str) -> Option<Kind>,
    ) -> Result<Self, Refusal> {
        let mut flags = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let word = text(word)?;
            let Some(flag) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                return Err(positional(word, words));
            };
            let flag = match (flag.strip_prefix('-'), dialect) {
                (Some(""), _) => match words.next() {
                    None => break,
                    Some(next) => return Err(positional(text(next)?, words)),
                },
                (Some(flag), _) => flag,
                (None, Dialect::Standard) => flag,
                (None, Dialect::Pflag) if is_shorthand(flag) => flag,
                (None, Dialect::Pflag) => return Err(Refusal::Unknown(word.to_owned())),
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (flag, None),
            };
            let name = match dialect {
                Dialect::Pflag => name.replace('_', "-"),
                Dialect::Standard => name.to_owned(),
            };
            if matches!(name.as_str(), "help" | "h") {
                return Err(Refusal::Help);
            }
            let kind = kind(&name).ok_or_else(|| Refusal::Unknown(format!("--{name}")))?;
            let value = match (value, kind) {
                (None, Kind::Bool) => "true".to_owned(),
                (Some(value), Kind::Bool) => match bool_of(value) {
                    Some(value) => value.to_string(),
                    None => return Err(Refusal::NoBool { name, value: value.to_owned() }),
                },
                (Some(value), _) => value.to_owned(),
                (None, _) => match words.next() {
                    Some(value) => text(value)?.to_owned(),
                    None => return Err(Refusal::NoValue(name)),
                },
            };
            if kind != Kind::Texts {
                flags.0.retain(|(other, _)| *other != name);
            }
            flags.0.push((name, value));
        }
        Ok(flags)
    }

    /// The value of a flag; of several the last.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// All flags in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn text(word: &OsString) -> Result<&str, Refusal> {
    word.to_str().ok_or_else(|| Refusal::NoText(word.clone()))
}

fn positional<'a>(first: &str, rest: impl Iterator<Item = &'a OsString>) -> Refusal {
    let rest = rest.map(|word| word.to_string_lossy().into_owned());
    Refusal::Positional(std::iter::once(first.to_owned()).chain(rest).collect())
}

/// Whether it is one letter, with a value or without.
fn is_shorthand(flag: &str) -> bool {
    let mut characters = flag.chars();
    characters.next().is_some() && matches!(characters.next(), None | Some('='))
}

/// Go's `strconv.ParseBool`.
fn bool_of(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, dialect: Dialect) -> Result<Vec<(String, String)>, String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let kind = |name: &str| match name {
            "on" => Some(Kind::Bool),
            "port" | "data-dir" | "v" => Some(Kind::Text),
            "name" => Some(Kind::Texts),
            _ => None,
        };
        Flags::read(&words, dialect, kind).map(|flags| flags.0).map_err(|refusal| refusal.to_string())
    }

    fn pflag(line: &str) -> Result<Vec<(String, String)>, String> {
        read(line, Dialect::Pflag)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn one_word_or_two_and_the_last_of_a_single_value_counts() {
        let expected = Ok(pairs(&[("port", "2"), ("on", "true"), ("name", "a"), ("name", "b")]));
        assert_eq!(pflag("--port=1 --port 2 --on --name a --name=b"), expected);
        assert_eq!(pflag("--data_dir=x -v 4"), Ok(pairs(&[("data-dir", "x"), ("v", "4")])));
        assert_eq!(
            read("-data-dir x -on=F", Dialect::Standard),
            Ok(pairs(&[("data-dir", "x"), ("on", "false")]))
        );
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (line, said) in [
            ("--other=1", "unknown flag: --other"),
            ("-port 1", "unknown flag: -port"),
            ("--port", "flag needs an argument: --port"),
            (
                "--on=maybe",
                r#"invalid argument "maybe" for "--on" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
            ("--on true", r#"does not take any arguments, got ["true"]"#),
            ("-- x y", r#"does not take any arguments, got ["x" "y"]"#),
            ("-h", "help requested"),
        ] {
            assert_eq!(pflag(line), Err(said.to_owned()), "{line}");
        }
    }
}
