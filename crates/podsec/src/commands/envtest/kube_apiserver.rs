//! What tests of controllers start as kube-apiserver: the API server of `podsec serve`, in memory.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{ArgAction, Args as _, Command, FromArgMatches as _};
use podsec_apiserver::{Options, git_version};
use podsec_controllers::Selection;

use super::etcd;
use super::flags::{Dialect, Flags, Kind, Refusal};
use crate::commands::serve::{self, RunControllers};

/// Serves until SIGTERM or SIGINT; the exit codes are kube-apiserver's.
#[expect(clippy::print_stderr, reason = "where kube-apiserver says what is wrong")]
pub(super) fn run(words: &[OsString]) -> ExitCode {
    match serve(words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(words: &[OsString]) -> anyhow::Result<ExitCode> {
    let command = serve::Arguments::augment_args(Command::new("kube-apiserver"));
    let mut out = io::stdout();
    if let Some(version) = words
        .iter()
        .find(|word| matches!(word.to_str(), Some("--version" | "--version=raw" | "--version=true")))
    {
        let name = if version == "--version=raw" { "" } else { "Kubernetes " };
        writeln!(out, "{name}{}", git_version())?;
        return Ok(ExitCode::SUCCESS);
    }
    let flags = match Flags::read(words, Dialect::Pflag, |name| known(&command, name)) {
        Ok(flags) => flags,
        Err(Refusal::Help) => {
            out.write_all(help(&command).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(Refusal::Unknown(flag)) if of_kubernetes(flag.trim_start_matches('-')).is_some() => {
            bail!("podsec does not have {flag} of kube-apiserver: start without it")
        }
        Err(refusal @ Refusal::Positional(_)) => bail!("\"kube-apiserver\" {refusal}"),
        Err(refusal) => bail!(refusal),
    };
    demand(&flags)?;
    let arguments =
        arguments(&command, &flags, await_etcd(flags.value("etcd-servers").unwrap_or_default())?)?;
    let selection = match std::env::var(CONTROLLERS) {
        Ok(names) => Selection::parse(&names.split(',').collect::<Vec<_>>()).context(CONTROLLERS)?,
        // As beside kube-apiserver alone: a Deployment makes no pods.
        Err(_) => Selection::parse::<&str>(&[])?,
    };
    let controllers = RunControllers { selection, leader_elect: false };
    serve::run_with(&options(arguments)?, controllers, log_level(&flags)?)
}

/// What a flag takes, if it is one of kube-apiserver and podsec has it.
fn known(command: &Command, name: &str) -> Option<Kind> {
    let kind = of_kubernetes(name)?;
    let is_here = OWN.iter().any(|(own, _)| *own == name)
        || command.get_arguments().any(|argument| argument.get_long() == Some(name));
    is_here.then_some(kind)
}

/// What a flag of kube-apiserver takes.
fn of_kubernetes(name: &str) -> Option<Kind> {
    kubernetes_flags().find(|(known, _)| *known == name).map(|(_, word)| match word {
        "" => Kind::Bool,
        "strings" | "stringArray" => Kind::Texts,
        _ => Kind::Text,
    })
}

/// The flags of kube-apiserver 1.36 and the word for what each takes, in the order of its help.
fn kubernetes_flags() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("kube-apiserver-flags.txt").lines().filter_map(|line| {
        let flag = line.strip_prefix("--")?;
        Some(flag.split_once(' ').unwrap_or((flag, "")))
    })
}

/// The help in the form that frameworks look for flags in: one flag a line.
fn help(command: &Command) -> String {
    let mut text =
        "The API server of podsec, for tests that start a kube-apiserver: it keeps all objects in memory.\n\n\
         Usage:\n  kube-apiserver [flags]\n\nFlags:\n\n"
    .to_owned();
    for (name, word) in kubernetes_flags().filter(|(name, _)| known(command, name).is_some()) {
        let own = OWN.iter().find(|(own, _)| *own == name).map(|(_, about)| (*about).to_owned());
        let about = own.or_else(|| {
            let argument = command.get_arguments().find(|argument| argument.get_long() == Some(name))?;
            Some(argument.get_help()?.to_string().replace('\n', " "))
        });
        let flag = if word.is_empty() { format!("--{name}") } else { format!("--{name} {word}") };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "      {flag:<48} {}", about.unwrap_or_default());
    }
    text.push_str("  -h, --help                                           this text\n");
    text.push_str(
        "      --version                                        the version of Kubernetes that is served\n",
    );
    text
}

/// Refuses what kube-apiserver refuses.
fn demand(flags: &Flags) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for required in [
        "etcd-servers",
        "service-account-issuer",
        "service-account-key-file",
        "service-account-signing-key-file",
    ] {
        if flags.value(required).is_none_or(str::is_empty) {
            wrong.push(format!("--{required} must be specified"));
        }
    }
    if flags.value("secure-port") == Some("0") {
        wrong.push(
            "--secure-port 0 must be between 1 and 65535, inclusive. It cannot be turned off with 0"
                .to_owned(),
        );
    }
    if flags.value("allow-privileged") == Some("false") {
        wrong.push("--allow-privileged=false is not in podsec, which leaves that to Pod Security".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join(", ")) }
}

/// The flags as those of `podsec serve`.
fn arguments(command: &Command, flags: &Flags, etcd: Etcd) -> anyhow::Result<serve::Arguments> {
    let mut line = vec!["kube-apiserver".to_owned()];
    if etcd == Etcd::StandIn {
        line.push("--in-memory".to_owned());
    }
    for (name, value) in flags.iter() {
        let argument = command.get_arguments().find(|argument| argument.get_long() == Some(name));
        let Some(argument) = argument.filter(|_| etcd == Etcd::Real || !name.starts_with("etcd-")) else {
            continue;
        };
        match (argument.get_action(), value) {
            (ArgAction::SetTrue, "true") => line.push(format!("--{name}")),
            (ArgAction::SetTrue, _) => {}
            _ => line.push(format!("--{name}={value}")),
        }
    }
    for (name, default) in DEFAULTS {
        if flags.value(name).is_none() {
            line.push(format!("--{name}={default}"));
        }
    }
    // clap's first paragraph names the flag and what is wrong with its value.
    let paragraph = |error: &clap::Error| {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        text.trim_start_matches("error: ").replace('\n', " ")
    };
    let matches = command.clone().try_get_matches_from(line);
    let arguments = matches.and_then(|matches| serve::Arguments::from_arg_matches(&matches));
    arguments.map_err(|error| anyhow::Error::msg(paragraph(&error)))
}

/// What the API server is started with.
fn options(arguments: serve::Arguments) -> anyhow::Result<Options> {
    let mut options = arguments.options()?;
    // A client has its own certificate; files that nobody asked for are left by none.
    options.kubeconfig_out = None;
    options.limits.drain = DRAIN;
    Ok(options)
}

/// The level of the log that Kubernetes' verbosity amounts to.
fn log_level(flags: &Flags) -> anyhow::Result<&'static str> {
    let verbosity = flags.value("v").unwrap_or("0");
    Ok(match verbosity.parse::<u32>().with_context(|| format!("--v={verbosity}"))? {
        0..=3 => "info",
        4..=5 => "debug",
        _ => "trace",
    })
}

/// What is behind `--etcd-servers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Etcd {
    /// The program that holds nothing: objects are in memory.
    StandIn,
    /// Etcd itself, or what nobody can ask without TLS: objects are there.
    Real,
}

/// Waits until it answers, as kube-apiserver waits for etcd.
fn await_etcd(servers: &str) -> anyhow::Result<Etcd> {
    let server = servers.split(',').next().unwrap_or_default();
    let Some(address) = server.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')) else {
        return Ok(Etcd::Real);
    };
    let until = Instant::now() + ETCD_TIMEOUT;
    loop {
        match ask_etcd(address) {
            Ok(answer) => return Ok(if etcd::is_own(&answer) { Etcd::StandIn } else { Etcd::Real }),
            Err(_) if Instant::now() < until => sleep(Duration::from_millis(20)),
            Err(error) => {
                return Err(error).context(format!("--etcd-servers={server}: context deadline exceeded"));
            }
        }
    }
}

/// The answer to a request for the version.
fn ask_etcd(address: &str) -> io::Result<String> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in address.to_socket_addrs()? {
        let asked = TcpStream::connect_timeout(&address, ASK_TIMEOUT).and_then(|mut stream| {
            stream.set_read_timeout(Some(ASK_TIMEOUT))?;
            stream.set_write_timeout(Some(ASK_TIMEOUT))?;
            let request = format!("GET /version HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes())?;
            let mut answer = Vec::new();
            stream.take(ANSWER_LIMIT).read_to_end(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        });
        match asked {
            Ok(answer) => return Ok(answer),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Flags of kube-apiserver that `podsec serve` has no need of.
const OWN: &[(&str, &str)] = &[
    ("allow-privileged", "Pod Security decides about privileged containers; false is refused."),
    ("v", "The verbosity of the log, from 0 on."),
];
/// The environment's list of controllers to run, as --controllers of kube-controller-manager takes it.
const CONTROLLERS: &str = "PODSEC_CONTROLLERS";
/// What holds in kube-apiserver and not in `podsec serve` when a flag is left out.
const DEFAULTS: &[(&str, &str)] = &[("authorization-mode", "AlwaysAllow"), ("bind-address", "0.0.0.0")];
/// Frameworks kill a server that has not ended after 20 seconds, and their clients may never read that it ends.
const DRAIN: Duration = Duration::from_secs(2);
/// How long kube-apiserver waits for etcd.
const ETCD_TIMEOUT: Duration = Duration::from_secs(20);
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use podsec_apiserver::Storage;

    use super::*;

    fn command() -> Command {
        serve::Arguments::augment_args(Command::new("kube-apiserver"))
    }

    fn read(line: &str, etcd: Etcd) -> anyhow::Result<Options> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let flags = Flags::read(&words, Dialect::Pflag, |name| known(&command(), name))?;
        options(arguments(&command(), &flags, etcd)?)
    }

    fn said(line: &str) -> String {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        serve(&words).expect_err("a refusal").to_string()
    }

    #[test]
    fn the_help_lists_flags_at_the_start_of_lines_and_none_that_is_refused() {
        let help = help(&command());
        let flags: Vec<&str> = help
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("--"))
            .map(|line| line.split(' ').next().unwrap_or_default())
            .collect();
        for flag in ["cert-dir", "client-ca-file", "secure-port", "service-cluster-ip-range", "etcd-servers"]
        {
            assert!(flags.contains(&flag), "{flag} is not in {flags:?}");
        }
        assert!(!flags.contains(&"insecure-port") && !flags.contains(&"feature-gates"), "{flags:?}");
    }

    #[test]
    fn what_podsec_does_not_have_is_refused_by_name() {
        assert_eq!(said("--no-such-flag"), "unknown flag: --no-such-flag");
        assert_eq!(said("--insecure-port=0"), "unknown flag: --insecure-port");
        assert_eq!(
            said("--feature-gates=A=true"),
            "podsec does not have --feature-gates of kube-apiserver: start without it"
        );
        assert_eq!(said("positional"), r#""kube-apiserver" does not take any arguments, got ["positional"]"#);
        // A flag of podsec serve that kube-apiserver has not.
        assert_eq!(said("--node"), "unknown flag: --node");
    }

    #[test]
    fn what_kube_apiserver_demands_is_demanded() {
        let all = "--etcd-servers=http://127.0.0.1:1 --service-account-issuer=https://a \
                   --service-account-key-file=k --service-account-signing-key-file=k";
        let without = |flag: &str| {
            let words: Vec<&str> = all.split_whitespace().filter(|word| !word.starts_with(flag)).collect();
            said(&words.join(" "))
        };
        for flag in ["--etcd-servers", "--service-account-issuer", "--service-account-key-file"] {
            assert_eq!(without(flag), format!("{flag} must be specified"));
        }
        assert!(
            said(&format!("{all} --secure-port=0"))
                .starts_with("--secure-port 0 must be between 1 and 65535")
        );
        assert!(said(&format!("{all} --allow-privileged=false")).contains("leaves that to Pod Security"));
        let read =
            |more: &str| read(&format!("{all} {more}"), Etcd::StandIn).expect_err("a refusal").to_string();
        assert_eq!(
            read("--enable-admission-plugins=Nonsense"),
            r#"enable-admission-plugins plugin "Nonsense" is unknown"#
        );
        let port = read("--secure-port=x");
        assert!(port.contains("--secure-port") && port.contains('x'), "{port}");
    }

    #[test]
    fn what_is_left_out_is_as_in_kube_apiserver() {
        let words = "--etcd-servers=http://127.0.0.1:1 --service-account-issuer=https://a --allow-privileged \
                     --service-account-key-file=k --service-account-signing-key-file=k --secure-port=7 \
                     --service-cluster-ip-range=10.0.0.0/24 --disable-admission-plugins=ServiceAccount";
        let real = read(words, Etcd::Real).expect("options");
        assert!(matches!(real.storage, Storage::Etcd(_)), "{:?}", real.storage);
        let options = read(words, Etcd::StandIn).expect("options");
        assert!(matches!(options.storage, Storage::Memory), "{:?}", options.storage);
        assert_eq!((options.bind_address.to_string().as_str(), options.secure_port), ("0.0.0.0", 7));
        assert!(options.authorization_modes.contains(podsec_apiserver::AuthorizationMode::AlwaysAllow));
        assert_eq!(
            (options.kubeconfig_out, options.service_cluster_ip_range.to_string()),
            (None, "10.0.0.0/24".to_owned())
        );
    }
}
