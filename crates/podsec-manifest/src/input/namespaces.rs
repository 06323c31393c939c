//! The Namespace objects of the inputs, whose labels say how strictly their pods are judged.

use std::mem;

use podsec_yaml::Position;

use super::Input;
use crate::object::objects;

/// A Namespace object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// `metadata.name`
    pub name: String,
    /// `metadata.labels`, those that are strings.
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
        let Ok(text) = input.text(mem::take(&mut buffer)) else { continue };
        let wanted = Some(text.as_str()).filter(|text| !only_labelled || text.contains(LABEL));
        let documents = wanted.into_iter().flat_map(podsec_yaml::documents);
        for (number, document) in documents.enumerate() {
            let Ok(document) = document else { continue };
            for object in objects(&document, number) {
                if object.name.kind != "Namespace" || object.name.api_version != "v1" {
                    continue;
                }
                let labels = object.node.get("metadata").and_then(|metadata| metadata.get("labels"));
                let entries = labels.map(|labels| labels.entries()).unwrap_or_default();
                let label = |entry: podsec_yaml::Entry<'_, '_>| {
                    Some((entry.name.to_string(), entry.value.as_str()?.to_owned()))
                };
                found.push(Namespace {
                    name: object.name.name,
                    labels: entries.into_iter().filter_map(label).collect(),
                    source: input.name(),
                    position: labels.unwrap_or(object.node).position(),
                });
            }
        }
        buffer = text.into_bytes();
    }
    found
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
        let unlabelled = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
        let input = Input::Text(Source { name: "y".to_owned(), text: unlabelled.to_owned() });
        assert_eq!(namespaces(std::slice::from_ref(&input), true), []);
        assert_eq!(namespaces(&[input], false).len(), 1);
    }
}
