//! Takes texts apart into objects, and each object into what is kept of it.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::BufRead;
use std::sync::Arc;

use podsec_manifest::pods_of;
use podsec_policy::labels::PREFIX;
use podsec_standards::{Pod, Workload};
use serde_json::Value;

use super::object::{Head, Metadata, Phase, Scale, claims, member, members};
use super::{Collector, Evidence, NamespaceObject, helm_release};
use crate::stream::json::{Piece, Pieces};
use crate::stream::yaml::{YamlPiece, YamlPieces};

/// Where objects come from.
#[derive(Clone, Copy, Debug)]
struct From<'s> {
    /// The file or request.
    source: &'s str,
    /// The namespace of objects that name none.
    namespace: &'s str,
    /// Whether it is no cluster that says so.
    is_release: bool,
    /// How many lists or releases are around it.
    depth: usize,
}

/// What the items of a list are.
#[derive(Clone, Copy, Debug, Default)]
struct ListType<'l> {
    api_version: &'l str,
    kind: &'l str,
}

impl Collector {
    /// Takes every object of a text, JSON or YAML, one by one. What cannot be read is noted, and does not hide the rest.
    pub fn feed(&mut self, source: &str, reader: impl BufRead) {
        self.feed_from(From { source, namespace: "default", is_release: false, depth: 0 }, reader);
    }

    fn feed_from(&mut self, from: From<'_>, mut reader: impl BufRead) {
        let begins_as_json = loop {
            match reader.fill_buf() {
                Ok(bytes) => {
                    let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    if blank == 0 || blank < bytes.len() {
                        break bytes.get(blank).is_some_and(|byte| matches!(byte, b'{' | b'['));
                    }
                    reader.consume(blank);
                }
                Err(error) => return self.trouble(from.source, format!("cannot be read: {error}")),
            }
        };
        let result = if begins_as_json { self.feed_json(from, reader) } else { self.feed_yaml(from, reader) };
        if let Err(error) = result {
            self.trouble(from.source, format!("cannot be read to its end: {error}"));
        }
        self.release_held(from, ListType::default());
    }

    fn feed_json(&mut self, from: From<'_>, reader: impl BufRead) -> std::io::Result<()> {
        let mut pieces = Pieces::new(reader, &["items"]);
        while let Some(piece) = pieces.next_piece()? {
            match piece {
                Piece::Element { json, .. } => self.item(from, json),
                Piece::Rest { json, opened: true } => self.end_of_list(from, json),
                Piece::Rest { json, opened: false } => self.object(from, ListType::default(), json),
                Piece::Text(_) => self.trouble(from.source, "holds a line that is no JSON"),
                Piece::Cut(_) => self.trouble(from.source, "an object is cut off"),
                Piece::TooLong => self.trouble(from.source, "an object is longer than 32 MiB"),
            }
        }
        Ok(())
    }

    fn feed_yaml(&mut self, from: From<'_>, reader: impl BufRead) -> std::io::Result<()> {
        let mut pieces = YamlPieces::new(reader);
        let mut json = Vec::new();
        while let Some(piece) = pieces.next_piece()? {
            let (text, is_item, opened) = match piece {
                YamlPiece::Item(text) => (text, true, false),
                YamlPiece::Document(text, opened) => (text, false, opened),
                YamlPiece::TooLong => {
                    self.trouble(from.source, "an object is longer than 32 MiB");
                    continue;
                }
            };
            let text = podsec_yaml::decode(&text);
            for document in podsec_yaml::documents(&text) {
                let document = match document {
                    Ok(document) => document,
                    Err(error) => {
                        self.trouble(
                            from.source,
                            format!("no YAML that Kubernetes can read: {}", error.message),
                        );
                        continue;
                    }
                };
                json.clear();
                if is_item {
                    for item in document.root().items() {
                        json.clear();
                        item.write_json(&mut json);
                        self.item(from, &json);
                    }
                    continue;
                }
                document.write_json(&mut json);
                if opened {
                    self.end_of_list(from, &json);
                } else {
                    self.object(from, ListType::default(), &json);
                }
            }
        }
        Ok(())
    }

    /// An item of a list, which may say only at its end what its items are.
    fn item(&mut self, from: From<'_>, json: &[u8]) {
        match serde_json::from_slice::<Head<'_>>(json) {
            Ok(head) if head.kind.is_none() && head.api_version.is_none() => {
                self.held_bytes += json.len();
                if self.held_bytes > MOST_HELD {
                    self.trouble(
                        from.source,
                        "an item does not say its kind, and its list is too long to be remembered until it does: \
                         write it with kubectl get -o json",
                    );
                } else {
                    self.held.push(json.to_vec());
                }
            }
            _ => self.object(from, ListType::default(), json),
        }
    }

    fn end_of_list(&mut self, from: From<'_>, json: &[u8]) {
        let head = serde_json::from_slice::<Head<'_>>(json).unwrap_or_default();
        let kind = head.kind.as_deref().unwrap_or_default();
        let api_version = head.api_version.as_deref().unwrap_or_default();
        let kind = kind.strip_suffix("List").unwrap_or(kind);
        self.release_held(from, ListType { api_version, kind });
    }

    fn release_held(&mut self, from: From<'_>, list: ListType<'_>) {
        self.held_bytes = 0;
        for json in std::mem::take(&mut self.held) {
            self.object(from, list, &json);
        }
    }

    fn object(&mut self, from: From<'_>, list: ListType<'_>, json: &[u8]) {
        let head = match serde_json::from_slice::<Head<'_>>(json) {
            Ok(head) => head,
            Err(error) => return self.trouble(from.source, format!("no object that can be read: {error}")),
        };
        let (group, kind) = if head.kind.is_none() && head.api_version.is_none() {
            (list.api_version.split_once('/').map_or("", |(group, _)| group), list.kind)
        } else {
            (head.group(), head.kind.as_deref().unwrap_or_default())
        };
        if head.items.is_some() && kind.ends_with("List") && from.depth < MOST_DEPTH {
            return self.feed_from(From { depth: from.depth + 1, ..from }, json);
        }
        if kind.is_empty() {
            return;
        }
        self.counts.objects += 1;
        let empty = Metadata::default();
        let metadata = head.metadata.as_ref().unwrap_or(&empty);
        if let Some(uid) = metadata.uid.as_deref()
            && !self.seen.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(uid))
        {
            self.counts.repeated += 1;
            return;
        }
        let namespace =
            metadata.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(from.namespace);
        // Those that were served from the group `extensions` are the same.
        let group = if group == "extensions" { "apps" } else { group };
        match (group, kind) {
            ("", "Namespace") => self.namespace(metadata),
            ("", "PersistentVolume") => self.volume(metadata, &head),
            ("", "PersistentVolumeClaim") => self.claim(namespace, metadata, &head),
            ("", "Secret") => self.secret(from, namespace, metadata, &head),
            ("", "Pod") => self.pod(from, namespace, metadata, &head, json),
            _ => match Workload::from_kind(group, kind) {
                Some(workload) => self.workload(from, namespace, metadata, &head, workload, json),
                None => self.custom(from, (namespace, group, kind), metadata, json),
            },
        }
    }

    fn namespace(&mut self, metadata: &Metadata<'_>) {
        let mut object = NamespaceObject::default();
        for (key, value) in members(metadata.labels) {
            match value {
                Value::String(text) => {
                    object.labels.insert(key, text);
                }
                other if key.starts_with(PREFIX) => {
                    object.unquoted.push(key.clone());
                    object.labels.insert(key, other.to_string());
                }
                _ => {}
            }
        }
        object.annotations =
            members(metadata.annotations).into_keys().filter(|key| key.starts_with(PREFIX)).collect();
        self.namespaces.insert(metadata.title().to_owned(), object);
    }

    fn secret(&mut self, from: From<'_>, namespace: &str, metadata: &Metadata<'_>, head: &Head<'_>) {
        if head.secret_type.as_deref() != Some(helm_release::TYPE) || from.depth >= MOST_DEPTH {
            return;
        }
        if member(metadata.labels, "status").is_some_and(|status| status != "deployed") {
            return;
        }
        let name = format!("Helm release {namespace}/{}", metadata.title());
        match helm_release::manifest(&members(head.data)) {
            Ok(manifest) => {
                self.counts.releases += 1;
                let inner = From { source: &name, namespace, is_release: true, depth: from.depth + 1 };
                self.feed_from(inner, manifest.as_bytes());
            }
            Err(message) => self.trouble(&name, message),
        }
    }

    fn pod(
        &mut self,
        from: From<'_>,
        namespace: &str,
        metadata: &Metadata<'_>,
        head: &Head<'_>,
        json: &[u8],
    ) {
        let pod = match Pod::from_json(json) {
            Ok(pod) => pod,
            Err(error) => {
                let message =
                    format!("pod {namespace}/{}: Kubernetes cannot read it: {error}", metadata.title());
                return self.trouble(from.source, message);
            }
        };
        let status = head.status.and_then(|status| serde_json::from_str::<Phase<'_>>(status.get()).ok());
        let finished = status
            .and_then(|status| status.phase)
            .is_some_and(|phase| matches!(&*phase, "Succeeded" | "Failed"));
        let owner = metadata.controller();
        let is_mirror = member(metadata.annotations, MIRROR).is_some();
        let place = match owner {
            Some(owner) if !is_mirror && owner.kind != "Node" => {
                let place = self.node(namespace, owner.group(), &owner.kind, &owner.name);
                self.guess_deployment(place, namespace, metadata);
                place
            }
            _ => self.node(namespace, "", "Pod", metadata.title()),
        };
        let mut sayings = std::mem::take(&mut self.sayings);
        let claims = claims(json, metadata.title());
        let labelled = misplaced(metadata);
        let node = self.at(place);
        let evidence = if finished { &mut node.finished } else { &mut node.pods };
        evidence.get_or_insert_with(Box::<Evidence>::default).add(&pod, &mut sayings);
        node.mirror |= is_mirror;
        node.seen |= owner.is_none() || is_mirror;
        if node.runtime_class.is_none() {
            node.runtime_class = pod.runtime_class_name().map(Arc::from);
        }
        node.add_claims(claims);
        node.add_labels(labelled);
        self.sayings = sayings;
        match (finished, is_mirror) {
            (_, true) => self.counts.mirror_pods += 1,
            (true, _) => self.counts.finished_pods += 1,
            _ => self.counts.pods += 1,
        }
    }

    /// A ReplicaSet that was not given, whose pod says by its label which part of the name was added, has a Deployment.
    fn guess_deployment(&mut self, place: u32, namespace: &str, metadata: &Metadata<'_>) {
        let Some(owner) = metadata.controller().filter(|owner| owner.kind == "ReplicaSet") else { return };
        let node = self.at(place);
        if node.parent.is_some() || node.seen {
            return;
        }
        let hash = member(metadata.labels, "pod-template-hash").map(|hash| format!("-{hash}"));
        if let Some(deployment) = hash.and_then(|hash| owner.name.strip_suffix(&hash)) {
            let parent = self.node(namespace, "apps", "Deployment", deployment);
            self.at(place).parent = Some(parent);
        }
    }

    fn workload(
        &mut self,
        from: From<'_>,
        namespace: &str,
        metadata: &Metadata<'_>,
        head: &Head<'_>,
        workload: Workload,
        json: &[u8],
    ) {
        let place = self.owned(namespace, workload.group(), workload.kind(), metadata);
        let pod = match workload.pod_from_json(json) {
            Ok(pod) => pod,
            Err(error) => {
                let kind = workload.kind();
                let message = format!(
                    "{kind} {namespace}/{}: Kubernetes cannot read its pod: {error}",
                    metadata.title()
                );
                return self.trouble(from.source, message);
            }
        };
        let scale =
            head.spec.and_then(|spec| serde_json::from_str::<Scale>(spec.get()).ok()).unwrap_or_default();
        let node = self.at(place);
        node.replicas = scale.replicas.as_ref().and_then(Value::as_u64);
        if workload == Workload::Job && metadata.controller().is_some() && is_over(head) {
            node.replicas = Some(0);
        }
        if let Some(pod) = pod {
            let claims = claims(json, metadata.title());
            self.template(from, place, &pod, claims, metadata);
        }
    }

    fn custom(
        &mut self,
        from: From<'_>,
        (namespace, group, kind): (&str, &str, &str),
        metadata: &Metadata<'_>,
        json: &[u8],
    ) {
        if !self.templates.knows(group, kind) {
            return;
        }
        let Ok(text) = std::str::from_utf8(json) else { return };
        let Some(Ok(document)) = podsec_yaml::documents(text).next() else { return };
        let pods: Vec<Vec<u8>> = pods_of(&document, &self.templates);
        if pods.is_empty() {
            return;
        }
        let place = self.owned(namespace, group, kind, metadata);
        for pod in pods {
            match Pod::from_json(&pod) {
                Ok(read) => {
                    let claims = claims(&pod, metadata.title());
                    self.template(from, place, &read, claims, metadata);
                }
                Err(error) => {
                    let message = format!(
                        "{kind} {namespace}/{}: Kubernetes cannot read its pod: {error}",
                        metadata.title()
                    );
                    self.trouble(from.source, message);
                }
            }
        }
    }

    /// The place of an object that was given, under its owner.
    fn owned(&mut self, namespace: &str, group: &str, kind: &str, metadata: &Metadata<'_>) -> u32 {
        let place = self.node(namespace, group, kind, metadata.title());
        let parent =
            metadata.controller().map(|owner| self.node(namespace, owner.group(), &owner.kind, &owner.name));
        let node = self.at(place);
        node.seen = true;
        node.parent = parent;
        place
    }

    fn template(
        &mut self,
        from: From<'_>,
        place: u32,
        pod: &Pod<'_>,
        claims: Vec<super::Claim>,
        metadata: &Metadata<'_>,
    ) {
        self.counts.templates += 1;
        let mut sayings = std::mem::take(&mut self.sayings);
        let node = self.at(place);
        node.template.get_or_insert_with(Box::<Evidence>::default).add(pod, &mut sayings);
        if node.runtime_class.is_none() {
            node.runtime_class = pod.runtime_class_name().map(Arc::from);
        }
        node.add_claims(claims);
        node.add_labels(misplaced(metadata));
        if from.is_release && node.source.is_none() {
            node.source = Some(from.source.into());
        }
        self.sayings = sayings;
    }
}

/// Whether a Job has ended, so that it makes no more pods.
fn is_over(head: &Head<'_>) -> bool {
    let status = head.status.and_then(|status| serde_json::from_str::<Value>(status.get()).ok());
    let conditions = status.as_ref().and_then(|status| status.get("conditions")).and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let text = |name| condition.get(name).and_then(Value::as_str);
        matches!(text("type"), Some("Complete" | "Failed")) && text("status") == Some("True")
    })
}

/// Labels and annotations of Pod Security on what is no Namespace.
fn misplaced(metadata: &Metadata<'_>) -> Vec<String> {
    let of = |map: Option<&serde_json::value::RawValue>| {
        let map = map.filter(|map| map.get().contains(PREFIX));
        members(map).into_keys().filter(|key| key.starts_with(PREFIX))
    };
    of(metadata.labels).chain(of(metadata.annotations)).collect()
}

/// The annotation by which the kubelet marks a pod that it has made of a file.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// So many bytes of a list's items are remembered until the list says what they are.
const MOST_HELD: usize = 64 << 20;

/// Lists in lists, and releases in them, are read to this depth.
const MOST_DEPTH: usize = 4;
