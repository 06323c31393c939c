//! Judging a file never panics, every place lies in it, and every report can be written.

#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use podsec_manifest::inspect::inspect;
use podsec_manifest::report::{Html, Human, Json, Renderer, Sarif, Summary};
use podsec_manifest::{Source, Templates, check};
use podsec_standards::{Level, Policy, Version};

fuzz_target!(|text: &str| {
    let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
    let policy = Policy::new(Level::Restricted, Version::Latest);
    let report = check(&source, &Templates::default(), &policy);
    for place in report.pods.iter().flat_map(|pod| &pod.findings).flat_map(|finding| &finding.places) {
        let shown = text.get(place.span.range()).expect("a span in the text");
        assert!(!shown.contains('\n'));
        // YAML ends lines at a lone carriage return, too.
        let before = text[..place.span.start].replace("\r\n", "\n");
        assert_eq!(place.position.line, before.matches(['\n', '\r']).count() + 1);
    }
    let mut summary = Summary::default();
    summary.add(&report);
    let renderers: [Box<dyn Renderer>; 4] = [
        Box::new(Human::new(false)),
        Box::new(Json),
        Box::new(Sarif::default()),
        Box::new(Html),
    ];
    for renderer in renderers {
        let (mut part, mut assembly) = (Vec::new(), renderer.assembly());
        renderer.source(&source, &report, &mut part).expect("every report has a form");
        assembly.add(&report, &part, &mut io::sink()).expect("a sink takes everything");
        assembly.finish(&summary, &mut io::sink()).expect("a sink takes everything");
    }
    inspect(&source, &Templates::default());
});
