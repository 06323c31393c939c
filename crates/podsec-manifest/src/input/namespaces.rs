//! The Namespace objects of the inputs, whose labels say how strictly their pods are judged.

use std::mem;

use podsec_yaml::{Entry, Position};

use super::Input;
use super::parts::Parts;
use crate::check::documents;
use crate::object::{Object, objects};

/// A Namespace object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// `metadata.name`
    pub name: String,
    /// `metadata.labels`, those that are strings; of Pod Security's the others too, as JSON.
    pub labels: Vec<(String, String)>,
    /// The input that it stands in.
    pub source: String,
    /// Where its labels, or else it itself, begin.
    pub position: Position,
}

/// Every Namespace of the inputs. What cannot be read is left out: whoever judges the inputs reports it.
///
/// With `only_labelled`, texts that mention no Pod Security label are not parsed at all.
pub fn namespaces(inputs: &[Input], only_labelled: bool) -> Vec<Namespace> {
    let (mut found, mut buffer) = (Vec::new(), Vec::new());
    for input in inputs {
        let mut parts = Parts::of(input);
        while let Some(Ok(part)) = parts.next(mem::take(&mut buffer)) {
            let wanted = Some(&part).filter(|part| !only_labelled || part.text.contains(LABEL));
            let documents = wanted.into_iter().flat_map(|part| documents(&part.text, part.start(0)));
            for (number, document) in documents.enumerate() {
                let Ok(document) = document else { continue };
                found.extend(objects(&document, number).iter().filter_map(|object| namespace(input, object)));
            }
            buffer = part.text.into_bytes();
        }
    }
    found
}

/// An object as a Namespace, if it is one.
fn namespace(input: &Input, object: &Object<'_, '_>) -> Option<Namespace> {
    if object.name.kind != "Namespace" || object.name.api_version != "v1" {
        return None;
    }
    let labels = object.node.get("metadata").and_then(|metadata| metadata.get("labels"));
    let entries = labels.map(|labels| labels.entries()).unwrap_or_default();
    // Kubernetes can read no label but strings. One of Pod Security is kept, so that its value is refused.
    let label = |entry: Entry<'_, '_>| match entry.value.as_str() {
        Some(text) => Some((entry.name.to_string(), text.to_owned())),
        None if entry.name.starts_with(LABEL) => {
            Some((entry.name.to_string(), entry.value.to_json().to_string()))
        }
        None => None,
    };
    Some(Namespace {
        name: object.name.name.clone(),
        labels: entries.into_iter().filter_map(label).collect(),
        source: input.name(),
        position: labels.unwrap_or(object.node).position(),
    })
}

const LABEL: &str = "pod-security.kubernetes.io/";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn namespaces_are_found_in_lists_and_beside_what_is_broken() {
        let text = "\
kind: [
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {pod-security.kubernetes.io/enforce: baseline}}}
- {apiVersion: v1, kind: Pod, metadata: {name: b}}
- {apiVersion: v1, kind: Namespace, metadata: {name: c, labels: {number: 1}}}
";
        let input = Input::Text(Source { name: "x".to_owned(), text: text.to_owned() });
        let namespace = |name: &str, labels: &[(&str, &str)], column| Namespace {
            name: name.to_owned(),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            source: "x".to_owned(),
            position: Position { line: if name == "a" { 6 } else { 8 }, column },
        };
        assert_eq!(
            namespaces(&[input], true),
            [
                namespace("a", &[("pod-security.kubernetes.io/enforce", "baseline")], 65),
                namespace("c", &[], 65)
            ]
        );
        let number = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {pod-security.kubernetes.io/enforce-version: 1.25}}\n";
        let input = Input::Text(Source { name: "z".to_owned(), text: number.to_owned() });
        let labels = namespaces(&[input], true).remove(0).labels;
        assert_eq!(labels, [("pod-security.kubernetes.io/enforce-version".to_owned(), "1.25".to_owned())]);
        let unlabelled = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
        let input = Input::Text(Source { name: "y".to_owned(), text: unlabelled.to_owned() });
        assert_eq!(namespaces(std::slice::from_ref(&input), true), []);
        assert_eq!(namespaces(&[input], false).len(), 1);
    }
}
