//! The command line: one variant a subcommand, its flags in the subcommand's own file.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    audit_log, cel, check, completions, envtest, evaluate, explain, fix, images, inspect, man, plan, replay,
    report, schema, serve, upgrade_check, webhook,
};

/// Kubernetes Pod Security: what would be refused, why, and the edit that mends it.
///
/// Decides as Kubernetes does, word for word, for every version of the Pod Security Standards from v1.0 on: on manifests,
/// as an admission webhook, and in an API server of its own.
#[derive(Debug, Parser)]
#[command(
    name = "podsec",
    version,
    arg_required_else_help = true,
    after_long_help = include_str!("commands/help/podsec.txt")
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line, or ends the process with what is wrong with it.
pub(crate) fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = arguments.first().and_then(|path| Path::new(path).file_stem());
    let command = match name.and_then(|name| name.to_str()) {
        // kubectl asks a program of this name how to complete a line, and calls the plugin by this other name.
        Some("kubectl_complete-podsec") => return Cli { command: Command::kubectl_completions(&arguments) },
        Some(KUBECTL_PLUGIN) => as_kubectl_plugin(Cli::command()),
        _ => Cli::command(),
    };
    command
        .try_get_matches_from(arguments)
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches))
        .unwrap_or_else(|error| error.exit())
}

/// The command as it reads when kubectl calls it.
fn as_kubectl_plugin(command: clap::Command) -> clap::Command {
    command.bin_name("kubectl podsec").display_name("kubectl podsec")
}

const KUBECTL_PLUGIN: &str = "kubectl-podsec";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell what Pod Security did, out of an audit log.
    ///
    /// Reads audit logs of any shape and counts the decisions of Pod Security: who, what, in which namespace, by which mode
    /// and policy, which checks, the first and the last time, and how often.
    #[command(after_long_help = include_str!("commands/help/audit-log.txt"))]
    AuditLog(audit_log::Arguments),
    /// Evaluate CEL expressions given as JSON Lines on standard input.
    ///
    /// Says of each expression what it yields, fails with or is refused for in a ValidatingAdmissionPolicy, a
    /// MutatingAdmissionPolicy or a rule of a CustomResourceDefinition, in Kubernetes' words, and what it costs.
    #[command(after_long_help = include_str!("commands/help/cel.txt"))]
    Cel(cel::Arguments),
    /// Judge manifests as the API server would, at file, line and column.
    ///
    /// Says of every pod in files, folders and rendered charts whether the API server would admit it, in its own words, at
    /// the line to change, and what to write instead. The level comes from --level, else from the labels of the pod's
    /// namespace, else from --config, else it is restricted.
    #[command(after_long_help = include_str!("commands/help/check.txt"))]
    Check(Box<check::Arguments>),
    /// Print what a shell needs to complete podsec's flags.
    ///
    /// The script completes commands, flags and their values.
    #[command(after_long_help = include_str!("commands/help/completions.txt"))]
    Completions(completions::Arguments),
    /// Complete a line for kubectl, whose words these are.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete {
        /// The words behind `kubectl podsec`; the last is the one to complete.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Stand in for the kube-apiserver and etcd that tests of controllers start.
    ///
    /// Frameworks as controller-runtime's envtest find both programs in a folder and start them with flags of Kubernetes.
    /// The programs that are installed there are podsec: the API server of `podsec serve`, in memory, ready in a fraction of
    /// a second.
    #[command(after_long_help = include_str!("commands/help/envtest.txt"))]
    Envtest(envtest::Arguments),
    /// Judge pods given as JSON Lines on standard input.
    ///
    /// Made for other programs, and for comparing engines: a verdict with its structure for each line, in order, on all
    /// cores, in memory that does not grow with the input.
    #[command(after_long_help = include_str!("commands/help/evaluate.txt"))]
    Evaluate(evaluate::Arguments),
    /// Explain a check, a level, a field, or the words of a violation.
    ///
    /// Knows every name that a person meets: checks, levels, the reasons in Kubernetes' messages, every field of the
    /// security contexts and the paths that check and fix print. Without a name it lists all of them.
    #[command(after_long_help = include_str!("commands/help/explain.txt"))]
    Explain(explain::Arguments),
    /// Mend manifests: the smallest edit after which the API server admits their pods.
    ///
    /// Mends files in place; what is read from standard input is written to standard output. What is written has been
    /// read and judged again. Without --unsafe-fixes nothing is changed that somebody wrote.
    #[command(after_long_help = include_str!("commands/help/fix.txt"))]
    Fix(Box<fix::Arguments>),
    /// Look at container images: whom they run as.
    ///
    /// What the kubelet would find in an image decides whether a container that must not run as root is started. It is read
    /// from layouts and archives, or from a lock file that is made of them once.
    #[command(after_long_help = include_str!("commands/help/images.txt"))]
    Images(images::Arguments),
    /// Show what each container really runs with, and who decides it.
    ///
    /// Prints the security settings of each container as they take effect: the container's own, else the pod's, else what
    /// Kubernetes and the runtime do by default.
    #[command(after_long_help = include_str!("commands/help/inspect.txt"))]
    Inspect(inspect::Arguments),
    /// Write the manual pages.
    ///
    /// One page for podsec and one for each command, made of the same texts as --help.
    #[command(after_long_help = include_str!("commands/help/man.txt"))]
    Man(man::Arguments),
    /// Find the strictest level that fits each namespace, and what is in the way of the next.
    ///
    /// Looks at everything that can make a pod, running or not, in a dump, a folder or a live cluster: for each namespace
    /// and mode the strictest level and the newest version that nothing would break, what blocks the next level, and what
    /// is wrong with the labels. Prints reports, or the labels themselves with the way back.
    #[command(after_long_help = include_str!("commands/help/plan.txt"))]
    Plan(Box<plan::Arguments>),
    /// Judge the requests in an audit log again, at another level.
    ///
    /// Reads audit logs of any shape and says what past requests would have met: by workload, user and check, with the first
    /// and the last time. Says as well how many requests cannot be known, and why.
    #[command(after_long_help = include_str!("commands/help/replay.txt"))]
    Replay(replay::Arguments),
    /// Report what workloads violate in the forms that other programs read.
    ///
    /// Judges everything that can make a pod in a dump or a live cluster, by the labels of the namespaces or by one level, and
    /// prints PolicyReports, OpenReports, metrics for Prometheus, JUnit or SARIF, bounded in number.
    #[command(after_long_help = include_str!("commands/help/report.txt"))]
    Report(Box<report::Arguments>),
    /// Print the JSON Schema of the report or of podsec.toml.
    ///
    /// For editors, which complete and check podsec.toml by it, and for programs that read reports.
    #[command(after_long_help = include_str!("commands/help/schema.txt"))]
    Schema(schema::Arguments),
    /// Run a Kubernetes API server with Pod Security and auditing, for unmodified kubectl.
    ///
    /// Stores and serves Kubernetes' built-in kinds and custom resources, applies Pod Security to what is written, and
    /// audits it. The flags are named as kube-apiserver's where it has them.
    #[command(after_long_help = include_str!("commands/help/serve.txt"))]
    Serve(Box<serve::Arguments>),
    /// Find out which verdicts an upgrade of the cluster changes.
    ///
    /// Judges everything that can make a pod as the cluster does before and after the upgrade, by the labels as they are:
    /// which revision of which check changes the verdict of which workload, in both directions, which pins keep what stands
    /// there, and which nothing needs any more.
    #[command(after_long_help = include_str!("commands/help/upgrade-check.txt"))]
    UpgradeCheck(Box<upgrade_check::Arguments>),
    /// Run the admission webhook: the same flags and configuration as upstream's.
    ///
    /// Decides for API servers whose own flags cannot be changed, exactly as they would, with defaults and exemptions that
    /// are read again when they change.
    #[command(after_long_help = include_str!("commands/help/webhook.txt"))]
    Webhook(Box<webhook::Arguments>),
}

impl Command {
    fn kubectl_completions(arguments: &[OsString]) -> Self {
        let words = arguments.iter().skip(1);
        Self::Complete { words: words.map(|word| word.to_string_lossy().into_owned()).collect() }
    }
}
