//! Mending a manifest never panics, never loses a document or a comment, and mending it again changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_manifest::fix::{Options, fix};
use podsec_manifest::{Source, Templates, check};
use podsec_standards::{Level, Policy, Version};

fuzz_target!(|text: &str| {
    let templates = Templates::default();
    let options = Options { unsafe_fixes: true, ..Options::default() };
    for level in [Level::Baseline, Level::Restricted] {
        let policy = Policy::new(level, Version::Latest);
        let source = Source { name: String::new(), text: text.to_owned() };
        let once = fix(&source, &templates, &policy, options);
        assert_eq!(contents(text), contents(&once.text), "{}", once.text);
        assert_eq!(check(&source, &templates, &policy).pods.len(), once.report.pods.len());
        assert!(once.text == text || !once.applied.is_empty());
        let source = Source { name: String::new(), text: once.text };
        let twice = fix(&source, &templates, &policy, options);
        assert_eq!(twice.text, source.text);
    }
});

/// Each document's comments, or that it cannot be read.
fn contents(text: &str) -> Vec<Option<Vec<&str>>> {
    let comments = |document: podsec_yaml::Document<'_>| {
        let mut comments: Vec<&str> =
            document.comments().iter().map(|comment| text[comment.span.range()].trim_end()).collect();
        comments.sort_unstable();
        comments
    };
    podsec_yaml::documents(text).map(|document| document.ok().map(comments)).collect()
}
