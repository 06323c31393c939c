//! Whatever stands in a file: judging it never panics, every place lies in it, and every report can be written.

use std::fs;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use podsec_manifest::inspect::inspect;
use podsec_manifest::report::{
    Concise, Github, Gitlab, Html, Human, Json, Junit, Markdown, Renderer, Sarif, Summary,
};
use podsec_manifest::{Source, Templates, apply_allowances, check};
use podsec_standards::{Level, Policy, Version};
use proptest::prelude::*;

fn manifests() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manifests");
    let entries = fs::read_dir(folder).expect("the manifests");
    entries.map(|entry| fs::read_to_string(entry.expect("a file").path()).expect("text")).collect()
}

/// What people and programs do to a manifest: a piece goes, a piece comes twice, something odd is put in.
fn damaged() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just("\n---\n".to_owned()),
        Just("{{ x }}".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("*container".to_owned()),
        Just("# podsec: allow privileged because of X\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("null".to_owned()),
        "\\PC{0,6}",
    ];
    let cut = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), odd);
    (any::<prop::sample::Index>(), prop::collection::vec(cut, 0..4)).prop_map(|(which, cuts)| {
        let manifests = manifests();
        let mut text = which.get(&manifests).clone();
        for (from, to, odd) in cuts {
            let places: Vec<usize> =
                text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
            let (from, to) = (*from.get(&places), *to.get(&places));
            if from <= to && to - from < 60 {
                text.replace_range(from..to, &odd);
            } else {
                text.insert_str(from, &odd);
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_place_lies_in_the_text_and_every_report_can_be_written(text in damaged()) {
        let source = Source { name: "a.yaml".to_owned(), text };
        let policy = Policy::new(Level::Restricted, Version::Latest);
        let mut report = check(&source, &Templates::default(), &policy);
        apply_allowances(&source, &mut report, Date::constant(2026, 1, 1));
        for finding in report.pods.iter().flat_map(|pod| &pod.findings) {
            prop_assert!(!finding.places.is_empty());
            for place in &finding.places {
                let shown = source.text.get(place.span.range());
                prop_assert!(shown.is_some_and(|shown| !shown.contains('\n')), "{place:?}");
                let before = &source.text[..place.span.start];
                let before = before.replace("\r\n", "\n");
                prop_assert_eq!(place.position.line, before.matches(['\n', '\r']).count() + 1);
            }
        }
        let mut summary = Summary::default();
        summary.add(&report);
        prop_assert_eq!(summary.exit_code() == 0, report.is_clean());
        let renderers: [Box<dyn Renderer>; 9] = [
            Box::new(Human::new(true)),
            Box::new(Concise),
            Box::new(Json),
            Box::new(Sarif::default()),
            Box::new(Junit),
            Box::new(Github),
            Box::new(Gitlab),
            Box::new(Markdown),
            Box::new(Html),
        ];
        for renderer in renderers {
            let (mut part, mut assembly) = (Vec::new(), renderer.assembly());
            renderer.source(&source, &report, &mut part)?;
            assembly.add(&report, &part, &mut io::sink())?;
            assembly.finish(&summary, &mut io::sink())?;
        }
        inspect(&source, &Templates::default());
    }
}

/// Found by fuzzing.
#[test]
fn a_lone_carriage_return_ends_a_line_as_yaml_has_it() {
    let text = "apiVersion: v1\nkind: Pod\rspec:\r\n  hostPID: true\n  containers: []\n";
    let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
    let policy = Policy::new(Level::Baseline, Version::Latest);
    let report = check(&source, &Templates::default(), &policy);
    assert_eq!(report.pods[0].findings[0].places[0].position.to_string(), "4:12");
    let mut out = Vec::new();
    Human::new(false).source(&source, &report, &mut out).expect("every report has a form");
}
