//! Mending a file never panics and never loses a document, and mending it again changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_manifest::fix::{Options, fix};
use podsec_manifest::{Source, Templates, check};
use podsec_standards::{Level, Policy, Version};

fuzz_target!(|text: &str| {
    let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
    let policy = Policy::new(Level::Restricted, Version::Latest);
    let templates = Templates::default();
    let options = Options { unsafe_fixes: true, today: None };
    let before = check(&source, &templates, &policy);
    let fixed = fix(&source, &templates, &policy, options);
    assert_eq!(before.documents, fixed.report.documents);
    assert_eq!(before.pods.len(), fixed.report.pods.len());
    let again = Source { name: source.name, text: fixed.text };
    assert_eq!(fix(&again, &templates, &policy, options).text, again.text);
});
