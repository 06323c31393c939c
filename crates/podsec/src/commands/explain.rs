//! `podsec explain`: what a name is about that a person meets.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use podsec_manifest::explain;

use super::check::ignore_closed_pipe;

/// Prints what a check forbids, since when, in which revisions, with examples and the way out.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// A check (hostPathVolumes), a level (baseline), a field (hostNetwork, securityContext.fsGroup, a path that check or
    /// fix prints), or the words of a violation ("host namespaces"). All names are listed when it is left out.
    #[arg(value_name = "NAME")]
    subject: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.subject {
        None => explain::names(),
        Some(subject) => match explain::explain(subject) {
            Some(text) => text,
            None => bail!("{}", unknown(subject)),
        },
    };
    io::stdout().write_all(text.as_bytes()).or_else(ignore_closed_pipe)?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(subject: &str) -> String {
    let near = explain::suggestions(subject);
    let hint = match near.as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [several @ .., last] => format!("; did you mean {} or {last}?", several.join(", ")),
    };
    format!("nothing is known of {subject:?}{hint} `podsec explain` lists every name")
        .replacen("\" `", "\"; `", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_known_brings_the_nearest_and_where_all_are_listed() {
        assert_eq!(
            unknown("hostNamespace"),
            "nothing is known of \"hostNamespace\"; did you mean hostNamespaces or host namespaces? `podsec explain` lists every name"
        );
        assert_eq!(unknown("qqqqqq"), "nothing is known of \"qqqqqq\"; `podsec explain` lists every name");
    }
}
