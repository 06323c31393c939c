//! `podsec fix`: the smallest edit after which the API server admits the pods.

mod interactive;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Zoned;
use podsec_manifest::fix::{
    Applied, Fixed, Left, Options, Patch, fix, kustomize_component, marked_diff, patches, replace,
};
use podsec_manifest::images::{Images, apply_images};
use podsec_manifest::input::{Discovery, Input, Kustomizations, forget_names, in_order, search};
use podsec_manifest::{FileReport, ObjectName, Source, Template, Templates, apply_allowances, check};

use tally::Tally;

use super::check::leave_out_excluded;
use super::check::policies::{Policies, PolicyArguments};
use super::check::progress::Progress;
use super::check::selection::{Selection, SelectionArguments};
use super::check::settings::Settings;
use super::values::IMAGE_USER;
use crate::images::ImageArguments;

/// Mends manifests in place; what is read from standard input is written to standard output.
///
/// Comments, anchors, quoting, indentation and line ends stay as they are, and what is written has been read and judged
/// again. Exits with 0 when every pod would be admitted now, 1 when something remains, 2 when something could not be
/// judged or written.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// Files, folders (searched for .yaml, .yml and .json as git sees them), globs, or - for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    policy: PolicyArguments,

    /// Make the fixes, too, that may break a program: each is told with what may break and how to find out.
    #[arg(long)]
    unsafe_fixes: bool,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    images: ImageArguments,

    /// Print the changes as a unified diff and write nothing; each hunk says what it mends and how sure that is.
    #[arg(long)]
    diff: bool,

    /// Show each hunk and ask whether to make it.
    #[arg(short, long, conflicts_with_all = ["diff", "patch"])]
    interactive: bool,

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
    let selections = settings.selections(&arguments.selection)?;
    let images = arguments.images.read(&settings.images())?;
    let mut found = search(&arguments.paths);
    if arguments.force_exclude {
        forget_names(&mut found);
    }
    leave_out_excluded(&mut found, &settings)?;
    let kustomizations = Kustomizations::near(&found);
    let inputs = unrendered(found);
    let means = Means { templates, kustomizations, selections, images };
    let to_standard_output = arguments.diff
        || arguments.patch.is_some()
        || inputs.iter().any(|input| matches!(input, Input::Text(_)));
    // What a machine may read is alone on standard output.
    if to_standard_output {
        mend(&arguments, &means, &inputs, &mut BufWriter::new(io::stdout()), &mut io::stderr())
    } else {
        mend(&arguments, &means, &inputs, &mut io::sink(), &mut io::stdout())
    }
}

/// What sources are mended with.
#[derive(Default)]
struct Means {
    templates: Templates,
    kustomizations: Kustomizations,
    selections: [Selection; 2],
    images: Images,
}

/// The files that can be mended: manifests, and the resources of overlays. Of charts it is told that they are not.
fn unrendered(found: Vec<Input>) -> Vec<Input> {
    let order: HashMap<Input, usize> =
        found.iter().enumerate().map(|(index, input)| (input.clone(), index)).collect();
    let Discovery { charts, overlays, manifests } = Discovery::of(found);
    let mut inputs = manifests;
    for resource in overlays.into_iter().flat_map(|overlay| overlay.resources) {
        if !inputs.contains(&resource) {
            inputs.push(resource);
        }
    }
    inputs.sort_by_key(|input| order.get(input).copied());
    inputs.extend(charts.into_iter().map(|chart| {
        let name = chart.folder.join("Chart.yaml");
        let name = name.to_string_lossy();
        Input::LeftOut {
            name: name.strip_prefix("./").unwrap_or(&name).to_owned(),
            message:
                "a chart: its templates are not mended; `podsec check` says which lines and values to change"
                    .to_owned(),
        }
    }));
    inputs
}

fn mend(
    arguments: &Arguments,
    means: &Means,
    inputs: &[Input],
    out: &mut (dyn Write + Send),
    notes: &mut (dyn Write + Send),
) -> anyhow::Result<Tally> {
    let policies = Policies::new(&arguments.policy, inputs)?;
    let options = Options {
        unsafe_fixes: arguments.unsafe_fixes,
        today: Some(Zoned::now().date()),
        images: Some(&means.images).filter(|images| !images.is_empty()),
        checks: None,
    };
    let writes = !arguments.diff && arguments.patch.is_none();
    let asks = arguments.interactive;
    let mut tally = Tally::default();
    let mut all_patches: Vec<Patch> = Vec::new();
    let mut progress = Progress::new(inputs.len());
    let work = |input| {
        let outcome = match means.kustomizations.naming(input) {
            Some(kustomization) => Outcome::Patch(format!(
                "{}: a patch, as {} names it one; not mended",
                input.name(),
                kustomization.display()
            )),
            None => mend_input(input, means, &policies, options, writes && !asks),
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
            Outcome::LeftOut(message) => writeln!(notes, "{message}")?,
            Outcome::Fixed(source, fixed) if asks && fixed.text != source.text => {
                let chosen = interactive::choose(source, fixed, &mut io::stdin().lock(), notes)?;
                let policies = &policies.of_file(&source.name);
                match written(input, source, &chosen, means, policies, options) {
                    Ok(report) => {
                        let hunks = interactive::made(source, &chosen);
                        tally.add_chosen(&report, hunks);
                    }
                    Err(message) => {
                        tally.problems += 1;
                        writeln!(notes, "{message}")?;
                    }
                }
            }
            Outcome::Fixed(source, fixed) => {
                tell(&source.name, fixed, notes)?;
                if arguments.diff {
                    write!(out, "{}", marked_diff(&source.name, &source.text, fixed))?;
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
    /// It is not mended, for this reason.
    LeftOut(String),
    Fixed(Source, Box<Fixed>),
}

/// Mends an input and, if it is a file that is to be written, replaces it.
fn mend_input(
    input: &Input,
    means: &Means,
    policies: &Policies,
    options: Options<'_>,
    writes: bool,
) -> Outcome {
    if let Input::LeftOut { name, message } = input {
        return Outcome::LeftOut(format!("{name}: {message}"));
    }
    let source = match read(input) {
        Ok(Some(source)) => source,
        Ok(None) => return Outcome::NoManifest,
        Err(message) => {
            return Outcome::Failed { message: format!("{}: {message}", input.name()), violations: 0 };
        }
    };
    let policies = &policies.of_file(&source.name);
    let [flags, settings] = means.selections.each_ref().map(|selection| selection.checks_in(&source.name));
    let checks: Vec<&'static str> = flags.into_iter().filter(|id| settings.contains(id)).collect();
    let images = options.images.filter(|_| checks.contains(&IMAGE_USER));
    let options = Options { checks: Some(&checks), images, ..options };
    let fixed = fix(&source, &means.templates, policies, options);
    if let (Input::File { path, .. }, true) = (input, writes && fixed.text != source.text)
        && let Err(error) = replace(path, &source.text, &fixed.text)
    {
        let message = format!("{:#}; nothing was written to it", anyhow::Error::from(error));
        // What was mended is not, since it is not written.
        let mut report = check(&source, &means.templates, policies);
        if let Some(today) = options.today {
            apply_allowances(&source, &mut report, today);
        }
        let violations = report.pods.iter().map(|pod| pod.findings.len()).sum();
        return Outcome::Failed { message, violations };
    }
    Outcome::Fixed(source, Box::new(fixed))
}

/// Writes what was chosen of a fix, unless it cannot be read any more; the verdict on it.
fn written(
    input: &Input,
    source: &Source,
    chosen: &str,
    means: &Means,
    policies: &impl podsec_manifest::Policies,
    options: Options<'_>,
) -> Result<FileReport, String> {
    let now = Source { name: source.name.clone(), text: chosen.to_owned() };
    let mut report = check(&now, &means.templates, policies);
    if let Some(today) = options.today {
        apply_allowances(&now, &mut report, today);
    }
    if let Some(images) = options.images {
        apply_images(images, &mut report);
    }
    let is_readable = |text: &str| podsec_yaml::documents(text).all(|document| document.is_ok());
    if is_readable(&source.text) && !is_readable(chosen) {
        return Err(format!(
            "{}: these hunks cannot be made without the others; nothing was written to it",
            source.name
        ));
    }
    if let (Input::File { path, .. }, true) = (input, chosen != source.text) {
        replace(path, &source.text, chosen)
            .map_err(|error| format!("{:#}; nothing was written to it", anyhow::Error::from(error)))?;
    }
    Ok(report)
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
        let means = Means { kustomizations: Kustomizations::near(&inputs), ..Means::default() };
        let tally = mend(&arguments, &means, &inputs, &mut out, &mut notes).unwrap();
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
                "@@ -3,5 +3,4 @@ unsafe: hostNamespaces\n metadata:\n   name: a\n spec:\n-  hostPID: true\n   containers: []\n"
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
