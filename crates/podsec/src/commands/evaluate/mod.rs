//! `podsec evaluate`: the standards on JSON Lines, for any language and for comparing engines.

mod question;

use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Args;
use podsec_standards::{Level, Policy, Version, Violation, evaluate};
use serde::Serialize;

use super::json_lines::{self, Lines};
use question::Question;

/// Judge pods and workloads given as JSON Lines on standard input.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The number of threads that judge; all cores when left out.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

/// Judges standard input until it ends.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let threads = arguments.threads.unwrap_or_else(json_lines::all_processors).get();
    json_lines::run(io::stdin(), io::stdout().lock(), threads, &LINES).map(ExitCode::from)
}

const LINES: Lines<'_> = Lines { answer: &judge, error_key: "error" };

/// Judges one line and writes the verdict, or says what is wrong with the line.
fn judge(line: &[u8], written: &mut Vec<u8>) -> Result<(), String> {
    let question = Question::read(line)?;
    let level =
        question.level.parse::<Level>().map_err(|error| format!("level {:?}: {error}", question.level))?;
    let version = match &question.version {
        Some(text) => text.parse::<Version>().map_err(|error| format!("version {text:?}: {error}"))?,
        None => Version::Latest,
    };
    let pod = question::pod(question.pod.get())?;
    let evaluation = evaluate(Policy::new(level, version), &pod);
    json_lines::write(
        written,
        &Answer {
            allowed: evaluation.is_allowed(),
            reasons: evaluation.violations.iter().map(Violation::reason).collect(),
            details: evaluation.violations.iter().map(Violation::detail).collect(),
            violations: &evaluation.violations,
        },
    );
    Ok(())
}

/// A line of the output.
#[derive(Serialize)]
struct Answer<'a> {
    allowed: bool,
    reasons: Vec<&'static str>,
    details: Vec<String>,
    violations: &'a [Violation<'a>],
}

#[cfg(test)]
mod tests {
    use super::LINES;
    use crate::commands::json_lines::{self, MAX_LINE, Outcome};

    #[test]
    fn answers_come_in_order_whatever_the_number_of_threads() {
        let line = |privileged: bool| {
            format!(
                "{{\"level\":\"baseline\",\"version\":\"v1.30\",\"pod\":{{\"spec\":{{\"containers\":[{{\"name\":\"a\",\
                 \"securityContext\":{{\"privileged\":{privileged}}}}}]}}}}}}\n"
            )
        };
        let input: String = (0..20_000).map(|number| line(number % 3 == 0)).collect();
        for threads in [1, 2, 7] {
            let (output, outcome) = answers(input.as_bytes(), threads);
            assert_eq!(outcome, Outcome::AllRead);
            assert_eq!(output.lines().count(), 20_000);
            for (number, answer) in output.lines().enumerate() {
                assert_eq!(
                    answer.starts_with(r#"{"allowed":false,"reasons":["privileged"]"#),
                    number % 3 == 0
                );
            }
        }
    }

    #[test]
    fn a_verdict_says_all_there_is_to_say() {
        let input =
            br#"{"level":"restricted","version":"v1.8","pod":{"spec":{"containers":[{"name":"a"}]}}}"#;
        let (output, _) = answers(input, 1);
        assert_eq!(
            output,
            concat!(
                r#"{"allowed":false,"reasons":["allowPrivilegeEscalation != false","runAsNonRoot != true"],"#,
                r#""details":["container \"a\" must set securityContext.allowPrivilegeEscalation=false","#,
                r#""pod or container \"a\" must set securityContext.runAsNonRoot=true"],"#,
                r#""violations":[{"check":"allowPrivilegeEscalation","revision":"v1.8","level":"restricted","#,
                r#""reason":"allowPrivilegeEscalation != false","#,
                r#""detail":"container \"a\" must set securityContext.allowPrivilegeEscalation=false","#,
                r#""fields":[{"container":"a","path":"spec.containers[0].securityContext.allowPrivilegeEscalation","#,
                r#""actual":null,"allowed":["false"]}]},"#,
                r#"{"check":"runAsNonRoot","revision":"v1.0","level":"restricted","reason":"runAsNonRoot != true","#,
                r#""detail":"pod or container \"a\" must set securityContext.runAsNonRoot=true","#,
                r#""fields":[{"container":"a","path":"spec.containers[0].securityContext.runAsNonRoot","#,
                r#""actual":null,"allowed":["true"]}]}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_bad_line_is_answered_with_its_number_and_what_is_wrong_and_the_rest_is_judged() {
        let input = concat!(
            "\n",
            r#"{"level":"baseline","pod":{}}"#,
            "\n",
            r#"{"level":"Baseline","pod":{}}"#,
            "\r\n",
            r#"{"level":"baseline","version":"1.30","pod":{}}"#,
            "\n \n",
            r#"{"level":"baseline","pod":{"spec":{"hostPID":"yes"}}}"#,
            "\n",
            r#"{"level":"baseline","pod":null}{}"#,
            "\n",
            r#"{"level":"baseline"}"#,
            "\n",
            "\u{feff}{}\n",
            r#"{"level":"baseline","pod":[]}"#,
        );
        let (output, outcome) = answers(input.as_bytes(), 2);
        assert_eq!(outcome, Outcome::SomeBad);
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [
                r#"{"allowed":true,"reasons":[],"details":[],"violations":[]}"#,
                r#"{"error":"line 3: level \"Baseline\": must be one of privileged, baseline, restricted"}"#,
                r#"{"error":"line 4: version \"1.30\": must be \"latest\" or \"v1.x\""}"#,
                r#"{"error":"line 6: pod.spec.hostPID: expected a boolean, found the string \"yes\""}"#,
                r#"{"error":"line 7: trailing characters at column 32"}"#,
                r#"{"error":"line 8: missing field `pod` at column 20"}"#,
                r#"{"error":"line 9: expected value at column 1"}"#,
                r#"{"error":"line 10: pod: expected a pod, found a list"}"#,
            ]
        );
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_the_longest() {
        let mut input = vec![b' '; MAX_LINE + 10_000_000];
        input.insert(0, b'x');
        input.extend_from_slice(b"\n{\"level\":\"baseline\",\"pod\":{}}\n");
        let (output, _) = answers(&input, 1);
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [
                r#"{"error":"line 1: longer than 3 MiB"}"#,
                r#"{"allowed":true,"reasons":[],"details":[],"violations":[]}"#
            ]
        );
    }

    fn answers(input: &[u8], threads: usize) -> (String, Outcome) {
        let mut output = Vec::new();
        let outcome = json_lines::run(input, &mut output, threads, &LINES).unwrap();
        (String::from_utf8(output).unwrap(), outcome)
    }
}
