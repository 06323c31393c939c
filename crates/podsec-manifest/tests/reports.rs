//! Each report on a dozen telling manifests, compared as a whole with the one that is kept.
//!
//! `PODSEC_UPDATE=1 cargo test -p podsec-manifest --test reports` writes them anew; the difference is then for a
//! reviewer to judge.

#![expect(clippy::unwrap_used, reason = "a test ends where its own data is not what it must be")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use podsec_manifest::report::{
    Concise, Github, Gitlab, Html, Human, Json, Junit, Markdown, Renderer, SCHEMA, Sarif, Summary,
};
use podsec_manifest::{Source, Templates, apply_allowances, check};
use podsec_standards::{CHECKS, Level, Policy, Version};
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The dozen manifests, in order.
fn sources() -> Vec<Source> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(data("manifests")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let source = |path: &PathBuf| Source {
        name: format!("manifests/{}", path.file_name().unwrap().to_string_lossy()),
        text: fs::read_to_string(path).unwrap(),
    };
    files.iter().map(source).collect()
}

fn rendered(renderer: &impl Renderer, sources: &[Source]) -> String {
    let policy = Policy::new(Level::Restricted, Version::V1(37));
    let (mut out, mut part) = (Vec::new(), Vec::new());
    let mut assembly = renderer.assembly();
    let mut summary = Summary::default();
    for source in sources {
        let mut report = check(source, &Templates::default(), &policy);
        apply_allowances(source, &mut report, Date::constant(2026, 11, 21));
        summary.add(&report);
        part.clear();
        renderer.source(source, &report, &mut part).unwrap();
        assembly.add(&report, &part, &mut out).unwrap();
    }
    assembly.finish(&summary, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn compare(kept: &str, rendered: &str) {
    let path = data("reports").join(kept);
    if env::var_os("PODSEC_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, rendered).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(rendered.lines()).position(|(expected, found)| expected != found);
    assert!(
        expected == rendered,
        "{kept} differs from line {:?} on:\n{rendered}",
        differs.map(|line| line + 1)
    );
}

#[test]
fn each_report_is_the_one_that_is_kept() {
    let sources = sources();
    compare("human.txt", &rendered(&Human::new(false), &sources));
    compare("concise.txt", &rendered(&Concise, &sources));
    compare("report.json", &rendered(&Json, &sources));
    compare("report.sarif", &rendered(&Sarif::default(), &sources));
    compare("junit.xml", &rendered(&Junit, &sources));
    compare("github.txt", &rendered(&Github, &sources));
    compare("gitlab.json", &rendered(&Gitlab, &sources));
    compare("report.md", &rendered(&Markdown, &sources));
    compare("report.html", &rendered(&Html, &sources));
}

#[test]
fn the_json_report_has_the_fields_that_its_schema_demands_and_no_others() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let report: Value = serde_json::from_str(&rendered(&Json, &sources())).unwrap();
    let object = &schema["$defs"]["object"];
    let holds = |value: &Value, schemas: &[&Value]| {
        let known = |name: &String| schemas.iter().any(|schema| schema["properties"].get(name).is_some());
        let fields = value.as_object().unwrap();
        for name in fields.keys() {
            assert!(known(name), "{name} is not in the schema");
        }
        for required in schemas.iter().flat_map(|schema| schema["required"].as_array().unwrap()) {
            assert!(fields.contains_key(required.as_str().unwrap()), "{required} is missing in {value}");
        }
    };
    holds(&report, &[&schema]);
    holds(&report["summary"], &[&schema["properties"]["summary"]]);
    for violation in report["violations"].as_array().unwrap() {
        holds(violation, &[&schema["properties"]["violations"]["items"], object]);
    }
    let errors = report["errors"].as_array().unwrap();
    assert!(!errors.is_empty());
    for error in errors {
        for required in ["file", "message"] {
            assert!(error[required].is_string());
        }
    }
}

#[test]
fn a_clean_run_lists_every_rule_and_no_result() {
    let clean: Vec<Source> =
        sources().into_iter().filter(|source| source.name.ends_with("clean.yaml")).collect();
    assert_eq!(clean.len(), 1);
    for sources in [&clean[..], &[]] {
        let report: Value = serde_json::from_str(&rendered(&Sarif::default(), sources)).unwrap();
        let run = &report["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), CHECKS.len());
        assert_eq!(run["results"], Value::Array(Vec::new()));
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    }
}

#[test]
fn every_sarif_result_points_at_its_rule_and_into_its_file() {
    let sources = sources();
    let report: Value = serde_json::from_str(&rendered(&Sarif::default(), &sources)).unwrap();
    let run = &report["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 30);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let file = place["artifactLocation"]["uri"].as_str().unwrap();
        let source = sources.iter().find(|source| source.name == file).unwrap();
        let number = |name: &str| usize::try_from(place["region"][name].as_u64().unwrap()).unwrap();
        let line = source.text.lines().nth(number("startLine") - 1).unwrap();
        let shown: Vec<char> = line.chars().collect();
        assert!(number("startColumn") < number("endColumn"), "{result}");
        assert!(number("endColumn") - 1 <= shown.len(), "{result}");
    }
}

#[test]
fn a_fix_in_sarif_mends_its_file_when_it_is_applied() {
    let sources = sources();
    let report: Value = serde_json::from_str(&rendered(&Sarif::default(), &sources)).unwrap();
    let results = report["runs"][0]["results"].as_array().unwrap();
    let fixes: Vec<&Value> = results.iter().filter_map(|result| result["fixes"].get(0)).collect();
    assert!(fixes.len() > 5);
    for fix in fixes {
        let change = &fix["artifactChanges"][0];
        let name = change["artifactLocation"]["uri"].as_str().unwrap();
        let mut source = sources.iter().find(|source| source.name == name).unwrap().clone();
        let lines: Vec<usize> = source.text.split_inclusive('\n').map(str::len).collect();
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        for replacement in change["replacements"].as_array().unwrap().iter().rev() {
            let region = &replacement["deletedRegion"];
            assert_eq!((number(&region["startColumn"]), number(&region["endColumn"])), (1, 1));
            let offset = |line: &Value| lines.iter().take(number(line) - 1).sum::<usize>();
            let range = offset(&region["startLine"])..offset(&region["endLine"]);
            source.text.replace_range(range, replacement["insertedContent"]["text"].as_str().unwrap());
        }
        let policy = Policy::new(Level::Restricted, Version::V1(37));
        let after = check(&source, &Templates::default(), &policy);
        let left = fix["description"]["text"].as_str().unwrap().contains("stays");
        assert!(left || after.pods.iter().all(|pod| pod.findings.is_empty()), "{name}: {}", source.text);
    }
}

#[test]
fn github_gets_no_more_annotations_than_it_shows() {
    let text = rendered(&Github, &sources());
    assert_eq!(text.lines().filter(|line| line.starts_with("::error ")).count(), 10);
}

#[test]
fn one_cause_in_ten_containers_reads_once() {
    let ten: Vec<Source> = sources().into_iter().filter(|source| source.name.contains("ten-")).collect();
    let text = rendered(&Human::new(false), &ten);
    assert_eq!(text.matches("error[privileged]").count(), 1, "{text}");
    assert!(text.contains("and in 6 more places"), "{text}");
}
