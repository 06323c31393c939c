//! `podsec webhook doctor`: what an installed webhook is worth, found out from outside.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use podsec_webhook::cluster::user_client;
use podsec_webhook::doctor::{Examination, Finding, Report, Status};
use podsec_webhook::{Installation, SelfSigned};

/// The flags.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How to reach the API server; $KUBECONFIG or ~/.kube/config without it, as kubectl.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The ValidatingWebhookConfiguration that registers the webhook.
    #[arg(long, default_value_t = SelfSigned::default().configuration, value_name = "NAME")]
    webhook_configuration_name: String,
    /// Namespaces besides its own that the webhook need not be asked about.
    #[arg(long, default_values_t = Installation::default().excluded_namespaces, value_delimiter = ',', value_name = "NAMES")]
    exclude_namespaces: Vec<String>,
    /// The namespace to try pods in; any that the webhook is asked about without it.
    #[arg(long, short = 'n', value_name = "NAME")]
    namespace: Option<String>,
    /// The Secret that may hold the serving certificate.
    #[arg(long, default_value_t = SelfSigned::default().secret, value_name = "NAME")]
    secret_name: String,
    /// Where the webhook can be reached from here, as through kubectl port-forward.
    #[arg(long, value_name = "HOST:PORT")]
    webhook_address: Option<String>,
    /// How to print what was found.
    #[arg(long, short = 'o', default_value = "human", value_enum)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// A line for each finding.
    Human,
    /// One object.
    Json,
}

/// Examines, prints, and says in the exit code whether something is wrong.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let output = arguments.output;
    let report = match examine(arguments) {
        Ok(report) => report,
        Err(error) => {
            writeln!(io::stderr(), "podsec: {error:#}")?;
            return Ok(ExitCode::from(2));
        }
    };
    let mut stdout = io::stdout().lock();
    match output {
        Output::Human => stdout.write_all(human(&report).as_bytes())?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut stdout, &report)?;
            writeln!(stdout)?;
        }
    }
    Ok(ExitCode::from(u8::from(report.count(Status::Problem) > 0)))
}

fn examine(arguments: Arguments) -> anyhow::Result<Report> {
    let examination = Examination {
        configuration: arguments.webhook_configuration_name,
        excluded_namespaces: arguments.exclude_namespaces,
        namespace: arguments.namespace,
        secret: arguments.secret_name,
        address: arguments.webhook_address,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(async {
        let client = user_client(arguments.kubeconfig.as_deref(), arguments.context).await?;
        Ok(examination.run(&client).await?)
    })
}

/// The findings for people.
fn human(report: &Report) -> String {
    let line = |finding: &Finding| {
        let advice = finding.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
        let (status, topic) = (finding.status.as_str(), finding.topic.as_str());
        format!("{status:<8} {topic:<11} {}{advice}\n", finding.message)
    };
    let count = |status, word: &str| match report.count(status) {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    let lines: String = report.findings.iter().map(line).collect();
    let (problems, warnings) = (count(Status::Problem, "problem"), count(Status::Warning, "warning"));
    format!("{lines}\n{problems}, {warnings}\n")
}

#[cfg(test)]
mod tests {
    use podsec_webhook::doctor::Topic;

    use super::*;

    #[test]
    fn a_finding_is_a_line_with_what_to_do_about_it() {
        let finding = |topic, status, advice: Option<&str>| Finding {
            topic,
            status,
            message: "so it is".to_owned(),
            advice: advice.map(str::to_owned),
        };
        let report = Report {
            configuration: "podsec-webhook".to_owned(),
            findings: vec![
                finding(Topic::Registered, Status::Ok, None),
                finding(Topic::Trusted, Status::Problem, Some("mend it")),
            ],
        };
        assert_eq!(
            human(&report),
            "ok       registered  so it is\n\
             problem  trusted     so it is; mend it\n\
             \n\
             1 problem, 0 warnings\n"
        );
    }
}
