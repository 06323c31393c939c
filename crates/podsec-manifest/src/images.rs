//! Container images, as far as it is known whom they run as: what the kubelet would look at.

use std::collections::HashMap;

use podsec_standards::refusal_of_image;

use crate::finding::FileReport;

/// An image that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// What it is called, with its registry: `docker.io/library/nginx:1.27`.
    pub reference: String,
    /// `sha256:` and the sum of its manifest; empty when that is not known.
    pub digest: String,
    /// `USER` as its configuration has it; empty when it says none, which means root.
    pub user: String,
    /// Who that is by its own `/etc/passwd`, when it is a name.
    pub known_as: Option<NamedUser>,
    /// The user besides root that it seems to be made for, when it runs as root.
    pub made_for: Option<NamedUser>,
    /// What it exposes, as `80/tcp`.
    pub ports: Vec<String>,
    /// The folders that it declares as volumes.
    pub volumes: Vec<String>,
}

/// A user of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    /// Its name in the image.
    pub name: String,
    /// Its number.
    pub uid: i64,
    /// The number of its first group.
    pub gid: i64,
}

/// The images that are known.
#[derive(Clone, Debug, Default)]
pub struct Images {
    by_reference: HashMap<String, Image>,
    by_digest: HashMap<String, Image>,
}

impl Image {
    /// Whether it runs as another user than root by itself, so that nothing changes when it must.
    pub fn is_not_root(&self) -> bool {
        refusal_of_image(&self.user).is_none() || self.known_as.as_ref().is_some_and(|user| user.uid > 0)
    }
}

impl Images {
    /// Adds an image; one of the same name that came before stays.
    pub fn add(&mut self, image: Image) {
        if !image.digest.is_empty() {
            self.by_digest.entry(image.digest.clone()).or_insert_with(|| image.clone());
        }
        if !image.reference.is_empty() {
            self.by_reference.entry(normalized(&image.reference)).or_insert(image);
        }
    }

    /// The image of a reference as manifests write it. A digest counts before a tag, as with Kubernetes.
    pub fn get(&self, reference: &str) -> Option<&Image> {
        match reference.split_once('@') {
            Some((_, digest)) => self.by_digest.get(digest),
            None => self.by_reference.get(&normalized(reference)),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.by_reference.is_empty() && self.by_digest.is_empty()
    }

    /// All that have a name, by it.
    pub fn all(&self) -> Vec<&Image> {
        let mut all: Vec<&Image> = self.by_reference.values().collect();
        all.sort_by(|one, other| one.reference.cmp(&other.reference));
        all
    }
}

/// A reference with what Kubernetes assumes where it is left out: `nginx` is `docker.io/library/nginx:latest`.
pub fn normalized(reference: &str) -> String {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let is_registry = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path),
        _ => (DOCKER, name),
    };
    let registry = if registry == "index.docker.io" { DOCKER } else { registry };
    let library = if registry == DOCKER && !path.contains('/') { "library/" } else { "" };
    let has_tag = path.rsplit('/').next().is_some_and(|last| last.contains(':'));
    match digest {
        Some(digest) => format!("{registry}/{library}{path}@{digest}"),
        None if has_tag => format!("{registry}/{library}{path}"),
        None => format!("{registry}/{library}{path}:latest"),
    }
}

/// Says of the containers whose users their images decide what the kubelet would, as far as the images are known. Those
/// that it starts are no longer told.
pub fn apply_images(images: &Images, report: &mut FileReport) {
    for pod in &mut report.pods {
        pod.image_users.retain_mut(|container| {
            if container.refusal.is_some() {
                return true;
            }
            let Some(image) = images.get(&container.image) else { return true };
            container.refusal = refusal_of_image(&image.user);
            container.refusal.is_some()
        });
    }
}

const DOCKER: &str = "docker.io";

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;
    use crate::{Source, Templates, check};

    #[test]
    fn references_are_read_as_kubernetes_reads_them() {
        for (written, meant) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("acme/web", "docker.io/acme/web:latest"),
            ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
            ("ghcr.io/acme/web:2", "ghcr.io/acme/web:2"),
            ("localhost/web", "localhost/web:latest"),
            ("registry:5000/web", "registry:5000/web:latest"),
            ("nginx@sha256:0", "docker.io/library/nginx@sha256:0"),
        ] {
            assert_eq!(normalized(written), meant, "{written}");
        }
    }

    #[test]
    fn every_branch_of_the_kubelet_s_rule_is_told_of_images_that_are_known() {
        let image = |reference: &str, user: &str| Image {
            reference: reference.to_owned(),
            user: user.to_owned(),
            ..Image::default()
        };
        let mut images = Images::default();
        for (reference, user) in [("root", ""), ("zero", "0:0"), ("name", "web:web"), ("number", "1000")] {
            images.add(image(reference, user));
        }
        images.add(Image { digest: "sha256:1".to_owned(), ..image("digest", "0") });
        let said = |container: &str| {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nspec: {{securityContext: {{runAsNonRoot: true}}, containers: [{{name: a, {container}}}]}}\n"
            );
            let source = Source { name: "a.yaml".to_owned(), text };
            let mut report =
                check(&source, &Templates::default(), &Policy::new(Level::Baseline, Version::Latest));
            apply_images(&images, &mut report);
            let users = report.pods.remove(0).image_users;
            users.into_iter().map(|user| user.refusal).next()
        };
        let root = Some(Some("container has runAsNonRoot and image will run as root".to_owned()));
        assert_eq!(said("image: root"), root);
        assert_eq!(said("image: 'zero:latest'"), root);
        assert_eq!(said("image: 'other@sha256:1'"), root);
        assert_eq!(said("image: number"), None);
        assert_eq!(said("image: unknown"), Some(None));
        assert_eq!(said("image: root, securityContext: {runAsUser: 5}"), None);
        let words =
            "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root";
        assert_eq!(said("image: name"), Some(Some(words.to_owned())));
        let broken = said("image: number, securityContext: {runAsUser: 0}");
        assert_eq!(broken, Some(Some("container's runAsUser breaks non-root policy".to_owned())));
    }
}
