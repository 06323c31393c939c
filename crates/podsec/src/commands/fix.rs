//! `podsec fix`: the smallest edit after which the API server admits the pods.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Zoned;
use podsec_manifest::fix::{
    Applied, Fixed, Left, Options, Patch, Why, fix, kustomize_component, patches, replace, unified_diff,
};
use podsec_manifest::input::{Input, Kustomizations, forget_names, in_order, search};
use podsec_manifest::report::Summary;
use podsec_manifest::{ObjectName, Source, Template, Templates, apply_allowances, check};
use podsec_standards::Check;

use super::check::leave_out_excluded;
use super::check::policies::{Policies, PolicyArguments};
use super::check::progress::Progress;
use super::check::settings::Settings;

/// Mends manifests in place; what is read from standard input is written to standard output.
///
/// Comments, anchors, quoting, indentation and line ends stay as they are, and what is written has been read and judged
/// again. Exits with 0 when every pod would be admitted now, 1 when something remains, 2 when something could not be
/// judged or written.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Files, folders (searched for .yaml, .yml and .json as git sees them), globs, or - for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policy: PolicyArguments,

    /// Make the fixes, too, that may break a program: each is told with what may break and how to find out.
    #[arg(long)]
    unsafe_fixes: bool,

    /// Print the changes as a unified diff and write nothing.
    #[arg(long)]
    diff: bool,

    /// Print the changes as patches and write nothing.
    #[arg(long, value_name = "FORMAT", conflicts_with = "diff")]
    patch: Option<PatchFormat>,

    /// Mend the pods of a custom kind, too: GROUP/KIND=PATH, as in argoproj.io/Rollout=spec.template.
    #[arg(long, value_name = "GROUP/KIND=PATH")]
    template: Vec<Template>,

    /// Treat files that are named as those that are found: what podsec.toml excludes is left out, and what mentions no
    /// apiVersion is no manifest. For hooks, which name every file.
    #[arg(long)]
    force_exclude: bool,

    /// The podsec.toml to use, instead of the nearest one above the working directory.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// A form of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PatchFormat {
    /// A Kustomize component with a JSON patch for each object.
    Kustomize,
    /// A list of objects `{"target", "patch"}` with RFC 6902 operations.
    Json,
}

/// Mends what the arguments name.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    match find_and_mend(arguments) {
        Ok(tally) => ExitCode::from(tally.exit_code()),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("podsec: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn find_and_mend(mut arguments: Arguments) -> anyhow::Result<Tally> {
    let settings = Settings::find(arguments.settings.as_deref())?;
    settings.complete(&mut arguments.policy).context("cannot use podsec.toml")?;
    let templates = settings.templates(&arguments.template).context("cannot use podsec.toml")?;
    let mut inputs = search(&arguments.paths);
    if arguments.force_exclude {
        forget_names(&mut inputs);
    }
    leave_out_excluded(&mut inputs, &settings)?;
    let to_standard_output = arguments.diff
        || arguments.patch.is_some()
        || inputs.iter().any(|input| matches!(input, Input::Text(_)));
    // What a machine may read is alone on standard output.
    if to_standard_output {
        mend(&arguments, &templates, &inputs, &mut BufWriter::new(io::stdout()), &mut io::stderr())
    } else {
        mend(&arguments, &templates, &inputs, &mut io::sink(), &mut io::stdout())
    }
}

fn mend(
    arguments: &Arguments,
    templates: &Templates,
    inputs: &[Input],
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Tally> {
    let policies = Policies::new(&arguments.policy, inputs)?;
    let options = Options { unsafe_fixes: arguments.unsafe_fixes, today: Some(Zoned::now().date()) };
    let writes = !arguments.diff && arguments.patch.is_none();
    let mut tally = Tally::default();
    let mut all_patches: Vec<Patch> = Vec::new();
    let mut progress = Progress::new(inputs.len());
    let kustomizations = Kustomizations::near(inputs);
    let work = |input| {
        let outcome = match kustomizations.naming(input) {
            Some(kustomization) => Outcome::Patch(format!(
                "{}: a patch, as {} names it one; not mended",
                input.name(),
                kustomization.display()
            )),
            None => mend_input(input, templates, &policies, options, writes),
        };
        let bytes = if let Outcome::Fixed(_, fixed) = &outcome { fixed.text.len() } else { 0 };
        ((input, outcome), bytes)
    };
    in_order(inputs, work, |(input, outcome)| {
        progress.clear();
        match outcome {
            Outcome::NoManifest => {}
            Outcome::Failed { message, violations } => {
                tally.problems += 1;
                tally.violations += violations;
                writeln!(notes, "{message}")?;
            }
            Outcome::Patch(message) => {
                tally.patches += 1;
                writeln!(notes, "{message}")?;
            }
            Outcome::Fixed(source, fixed) => {
                tell(&source.name, fixed, notes)?;
                if arguments.diff {
                    write!(out, "{}", unified_diff(&source.name, &source.text, &fixed.text))?;
                } else if arguments.patch.is_some() {
                    all_patches.extend(patches(&source.text, &fixed.text));
                } else if matches!(input, Input::Text(_)) {
                    out.write_all(fixed.text.as_bytes())?;
                }
                tally.add(fixed, fixed.text != source.text);
            }
        }
        progress.advance();
        Ok::<(), anyhow::Error>(())
    })?;
    progress.clear();
    match arguments.patch {
        Some(PatchFormat::Json) => writeln!(out, "{}", serde_json::to_string_pretty(&all_patches)?)?,
        Some(PatchFormat::Kustomize) => write!(out, "{}", kustomize_component(&all_patches))?,
        None => {}
    }
    out.flush()?;
    tally.tell(writes, notes).context("cannot write the report")?;
    if inputs.is_empty() {
        writeln!(notes, "warning: there is no .yaml, .yml or .json file to mend")?;
    }
    if policies.fell_back() {
        writeln!(
            notes,
            "note: judged by restricted:latest where neither --level, nor the labels of a namespace, nor --config says otherwise"
        )?;
    }
    Ok(tally)
}

/// What became of an input.
enum Outcome {
    /// It says nothing to Kubernetes.
    NoManifest,
    /// It could not be read or written, for this reason; so many violations are known to be in it still.
    Failed {
        message: String,
        violations: usize,
    },
    /// It is no object but a Kustomize patch of one, as this says.
    Patch(String),
    Fixed(Source, Box<Fixed>),
}

/// Mends an input and, if it is a file that is to be written, replaces it.
fn mend_input(
    input: &Input,
    templates: &Templates,
    policies: &Policies,
    options: Options,
    writes: bool,
) -> Outcome {
    let source = match read(input) {
        Ok(Some(source)) => source,
        Ok(None) => return Outcome::NoManifest,
        Err(message) => {
            return Outcome::Failed { message: format!("{}: {message}", input.name()), violations: 0 };
        }
    };
    let policies = &policies.of_file(&source.name);
    let fixed = fix(&source, templates, policies, options);
    if let (Input::File { path, .. }, true) = (input, writes && fixed.text != source.text)
        && let Err(error) = replace(path, &source.text, &fixed.text)
    {
        let message = format!("{:#}; nothing was written to it", anyhow::Error::from(error));
        // What was mended is not, since it is not written.
        let mut report = check(&source, templates, policies);
        if let Some(today) = options.today {
            apply_allowances(&source, &mut report, today);
        }
        let violations = report.pods.iter().map(|pod| pod.findings.len()).sum();
        return Outcome::Failed { message, violations };
    }
    Outcome::Fixed(source, Box::new(fixed))
}

/// The text of an input; none when it was found by a search and is no manifest, as nothing in it says `apiVersion`.
fn read(input: &Input) -> Result<Option<Source>, String> {
    match input {
        Input::File { path, named } => {
            let text = read_file(path)?;
            let manifest = *named || text.contains("apiVersion");
            Ok(manifest.then(|| Source { name: input.name(), text }))
        }
        Input::Text(source) => Ok(Some(source.clone())),
        // Nothing that was rendered is searched for.
        Input::Rendered(_) | Input::LeftOut { .. } => Ok(None),
        Input::Unreadable { message, .. } => Err(message.clone()),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes)
        .map_err(|_| "is not UTF-8, as every manifest that is to be mended must be".to_owned())
}

/// Tells what was done to a source, object by object, and what was not.
fn tell(name: &str, fixed: &Fixed, notes: &mut dyn Write) -> io::Result<()> {
    let mut by_object: BTreeMap<&ObjectName, (Vec<&Applied>, Vec<&Left>)> = BTreeMap::new();
    for applied in &fixed.applied {
        by_object.entry(&applied.object).or_default().0.push(applied);
    }
    for left in &fixed.left {
        by_object.entry(&left.object).or_default().1.push(left);
    }
    for (object, (applied, left)) in by_object {
        writeln!(notes, "{name}: {} {}", object.kind, object.name)?;
        for Applied { path, action, check, safety, .. } in applied {
            writeln!(notes, "  fixed {path}: {action} ({}, {safety})", check.id)?;
        }
        for Left { path, check, why, .. } in left {
            writeln!(notes, "  left  {path}: {why} ({})", check.id)?;
        }
    }
    for patch in &fixed.report.patches {
        let kind = &patch.object.kind;
        writeln!(
            notes,
            "{name}:{}: {kind} {} is a patch, as {}; not mended",
            patch.position, patch.object.name, patch.why
        )?;
    }
    for problem in &fixed.report.problems {
        let position = problem.position.map(|position| format!(":{position}")).unwrap_or_default();
        writeln!(notes, "{name}{position}: {}", problem.message)?;
    }
    Ok(())
}

/// What was done to all sources.
#[derive(Debug, Default)]
struct Tally {
    fixes: usize,
    files: usize,
    violations: usize,
    left_for_unsafe: usize,
    /// Fields of pods that no edit is right for.
    unfit: usize,
    /// What is known of the containers' users.
    judged: Summary,
    /// Objects that are patches, and were not mended.
    patches: usize,
    problems: usize,
    /// Checks whose fixes a program may notice.
    risks: BTreeMap<&'static str, &'static Check>,
    /// Checks that no edit satisfies.
    unmended: BTreeMap<&'static str, &'static Check>,
}

impl Tally {
    fn add(&mut self, fixed: &Fixed, changed: bool) {
        self.fixes += fixed.applied.len();
        self.files += usize::from(changed);
        self.violations += fixed.report.pods.iter().map(|pod| pod.findings.len()).sum::<usize>();
        self.problems += fixed.report.problems.len();
        self.patches += fixed.report.patches.len();
        for left in &fixed.left {
            match left.why {
                Why::NeedsUnsafe => self.left_for_unsafe += 1,
                Why::NoFix => drop(self.unmended.insert(left.check.id, left.check)),
                Why::Unfit(_) => self.unfit += 1,
                _ => {}
            }
        }
        let risky = fixed.applied.iter().filter(|applied| applied.safety.may_be_noticed());
        self.judged.add(&fixed.report);
        self.risks.extend(risky.map(|applied| (applied.check.id, applied.check)));
    }

    fn tell(&self, written: bool, notes: &mut dyn Write) -> io::Result<()> {
        for (title, checks) in [
            ("What the fixes may break, and how to find out:", &self.risks),
            ("What no edit can mend without knowing more:", &self.unmended),
        ] {
            if !checks.is_empty() {
                writeln!(notes, "\n{title}")?;
            }
            for (id, check) in checks {
                writeln!(notes, "  {id}: {}", check.fix.risk)?;
            }
        }
        let mut not_judged = String::new();
        for (count, one, more, what) in [
            (self.patches, "Kustomize patch", "Kustomize patches", "not judged"),
            (self.problems, "place", "places", "could not be judged or written"),
        ] {
            if count > 0 {
                not_judged.push_str("; ");
                not_judged.push_str(&counted(count, one, more));
                not_judged.push(' ');
                not_judged.push_str(what);
            }
        }
        for part in self.judged.started() {
            not_judged.push_str("; ");
            not_judged.push_str(&part);
        }
        let done = if written { "" } else { ", not written" };
        writeln!(
            notes,
            "{} in {}{done}; {} left{}{}",
            counted(self.fixes, "fix", "fixes"),
            counted(self.files, "file", "files"),
            counted(self.violations, "violation", "violations"),
            match (self.problems > 0, self.left_for_unsafe > 0) {
                (false, false) if self.unfit > 0 => ", of pods that are not for this level",
                (false, false) => "",
                (false, true) => ", more can be mended with --unsafe-fixes",
                (true, false) => " in what could be judged",
                (true, true) => " in what could be judged, more can be mended with --unsafe-fixes",
            },
            not_judged
        )
    }

    fn exit_code(&self) -> u8 {
        match (self.problems, self.violations) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }
}

fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

/// A reader that has seen enough, as `head`, is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[expect(clippy::print_stderr, reason = "an error reaches the user whatever else is written")]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    /// The exit code, what is printed and what is noted.
    fn run(flags: &[&str], path: &Path) -> (u8, String, String) {
        let path = path.to_string_lossy();
        let line = ["fix", &path].into_iter().chain(flags.iter().copied());
        let arguments = Line::try_parse_from(line).unwrap().arguments;
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let inputs = search(&arguments.paths);
        let tally = mend(&arguments, &Templates::default(), &inputs, &mut out, &mut notes).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&*path, "PATH");
        (tally.exit_code(), text(out), text(notes))
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  hostPID: true
  containers: []
";

    #[test]
    fn unsafe_fixes_are_made_when_asked_for_and_say_what_may_break() {
        let (_folder, path) = file(POD);
        let flags = ["--level", "baseline"];
        let (code, _, notes) = run(&flags, &path);
        assert_eq!(code, 1);
        assert_eq!(
            notes,
            "\
PATH: Pod a
  left  spec.hostPID: needs --unsafe-fixes (hostNamespaces)
0 fixes in 0 files; 1 violation left, more can be mended with --unsafe-fixes
"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), POD);

        let (code, _, notes) = run(&[flags[0], flags[1], "--unsafe-fixes"], &path);
        assert_eq!(code, 0);
        assert_eq!(
            notes,
            "\
PATH: Pod a
  fixed spec.hostPID: removed (hostNamespaces, unsafe)

What the fixes may break, and how to find out:
  hostNamespaces: A program that binds a node's address, talks to the node's loopback, or inspects other \
processes stops working. Look for node agents, CNI plugins and exporters.
1 fix in 1 file; 0 violations left
"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), POD.replace("  hostPID: true\n", ""));
    }

    #[test]
    fn a_diff_and_patches_write_nothing() {
        let (_folder, path) = file(POD);
        let flags = ["--level", "baseline", "--unsafe-fixes"];
        let (code, out, _) = run(&[&flags[..], &["--diff"]].concat(), &path);
        assert_eq!(code, 0);
        assert!(
            out.ends_with(
                "@@ -3,5 +3,4 @@\n metadata:\n   name: a\n spec:\n-  hostPID: true\n   containers: []\n"
            ),
            "{out}"
        );

        let (_, out, notes) = run(&[&flags[..], &["--patch", "kustomize"]].concat(), &path);
        assert_eq!(
            out,
            "\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target:
    kind: Pod
    name: a
    version: v1
  patch: |-
    - op: remove
      path: /spec/hostPID
"
        );
        assert!(notes.ends_with("1 fix in 1 file, not written; 0 violations left\n"), "{notes}");

        let (_, out, _) = run(&[&flags[..], &["--patch", "json"]].concat(), &path);
        let patches: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(patches[0]["patch"][0]["path"], "/spec/hostPID");
        assert_eq!(fs::read_to_string(&path).unwrap(), POD);
    }

    #[test]
    fn what_cannot_be_judged_counts_more_than_what_remains() {
        let (_folder, path) = file("apiVersion: v1\nkind: [\n");
        let (code, _, notes) = run(&["--level", "baseline"], &path);
        assert_eq!(code, 2);
        assert!(
            notes.ends_with(
                "0 violations left in what could be judged; 1 place could not be judged or written\n"
            ),
            "{notes}"
        );

        let (_folder, path) = file(POD);
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let (code, _, notes) = run(&["--level", "baseline", "--unsafe-fixes"], &path);
        assert_eq!(code, 2);
        assert!(notes.starts_with("PATH is read-only; nothing was written to it\n"), "{notes}");
        let told = "0 fixes in 0 files; 1 violation left in what could be judged; 1 place could not";
        assert!(notes.contains(told), "{notes}");

        let (code, _, notes) = run(&["--level", "baseline"], &path.with_file_name("none.yaml"));
        assert_eq!(code, 2);
        assert!(notes.starts_with("PATH: cannot be read: "), "{notes}");
    }
}
