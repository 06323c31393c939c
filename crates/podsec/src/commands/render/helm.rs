//! Charts, rendered by the user's own helm.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use podsec_manifest::Templates;
use podsec_manifest::input::{Chart, Input, Release, Rendered};

use super::arguments::RenderArguments;
use super::program::{Failure, printed};

/// What Helm makes of a chart that was found: with the values that the flags name, else with its defaults and with each file
/// of values that it brings.
pub(super) fn found(
    chart: &Chart,
    arguments: &RenderArguments,
    templates: &Templates,
) -> Result<Vec<Input>, Failure> {
    if arguments.names_values() {
        return Ok(inputs(rendered(&chart.folder, &arguments.values, arguments)?));
    }
    let alone = rendered(&chart.folder, &[], arguments);
    if matches!(alone, Err(Failure::Absent)) {
        return Err(Failure::Absent);
    }
    let mut all = Vec::new();
    let mut failures = Vec::new();
    // What other values leave as it is, is judged once.
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let mut add = |documents: Vec<Rendered>, all: &mut Vec<Input>| {
        let new =
            documents.into_iter().filter(|made| seen.insert((made.file.clone(), made.identity(templates))));
        all.extend(new.map(Input::Rendered));
    };
    let by_itself = alone.map(|documents| add(documents, &mut all));
    for file in &chart.values {
        match rendered(&chart.folder, std::slice::from_ref(file), arguments) {
            Ok(documents) => add(documents, &mut all),
            Err(Failure::Failed(message)) => {
                failures.push(Input::Unreadable { name: file.to_string_lossy().into_owned(), message });
            }
            Err(Failure::Absent) => return Err(Failure::Absent),
        }
    }
    for release in &chart.releases {
        match released(&chart.folder, release, arguments) {
            Ok(documents) => add(documents, &mut all),
            Err(Failure::Failed(message)) => failures
                .push(Input::Unreadable { name: release.file.to_string_lossy().into_owned(), message }),
            Err(Failure::Absent) => return Err(Failure::Absent),
        }
    }
    match by_itself {
        // A chart may ask for values, as it brings them for those who test it.
        Err(Failure::Failed(why)) if !all.is_empty() => {
            let message = format!("not rendered with its defaults alone, but with other values: {why}");
            all.push(Input::LeftOut { name: chart.folder.to_string_lossy().into_owned(), message });
        }
        Err(failure) => return Err(failure),
        Ok(()) => {}
    }
    all.extend(failures);
    Ok(all)
}

/// What Helm makes of a chart that was named.
pub(super) fn named(chart: &Path, arguments: &RenderArguments) -> Result<Vec<Input>, Failure> {
    Ok(inputs(rendered(chart, &arguments.values, arguments)?))
}

/// What Helm makes of a chart for an object of Argo CD or Flux.
fn released(chart: &Path, release: &Release, arguments: &RenderArguments) -> Result<Vec<Rendered>, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("its values cannot be written: {error}"));
    let mut values = release.values.clone();
    let own = match &release.own_values {
        None => None,
        Some(text) => {
            let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().map_err(failed)?;
            file.write_all(text.as_bytes()).map_err(failed)?;
            values.push(file.path().to_owned());
            Some(file)
        }
    };
    let text = printed("helm", &words(chart, &values, arguments))?;
    drop(own);
    Ok(Rendered::by_helm(&text, chart, &release.values, Some(&release.file)))
}

fn inputs(documents: Vec<Rendered>) -> Vec<Input> {
    documents.into_iter().map(Input::Rendered).collect()
}

fn rendered(chart: &Path, values: &[PathBuf], arguments: &RenderArguments) -> Result<Vec<Rendered>, Failure> {
    Ok(Rendered::by_helm(&printed("helm", &words(chart, values, arguments))?, chart, values, None))
}

/// The command line of helm.
fn words(chart: &Path, values: &[PathBuf], arguments: &RenderArguments) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["template".into(), chart.into()];
    let mut flag = |name: &str, value: OsString| words.extend([name.into(), value]);
    for file in values {
        flag("--values", file.into());
    }
    for value in &arguments.set {
        flag("--set", value.into());
    }
    for value in &arguments.set_string {
        flag("--set-string", value.into());
    }
    if let Some(version) = &arguments.kube_version {
        flag("--kube-version", version.into());
    }
    words
}
