//! What the kubelet asks of a pod that was admitted: that a container which must not run as root is told, or has, a user
//! that is not root. Nothing in this module decides about admission.

use crate::pod::{Container, Pod};

/// Whether the kubelet starts a container, as far as `runAsNonRoot` is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonRoot {
    /// Nobody asks that the container's user is not root.
    NotAsked,
    /// The manifest names a user that is not root.
    Kept,
    /// The manifest names root itself.
    Broken,
    /// The manifest names no user, so that the image's decides: see [`refusal_of_image`].
    ImageDecides,
}

impl Pod<'_> {
    /// Whether the kubelet starts a container of this pod. On Windows, where users have names and no numbers, nothing is
    /// said.
    pub fn non_root(&self, container: &Container<'_>) -> NonRoot {
        let (own, shared) = (&container.security_context, &self.spec.security_context);
        if self.is_windows() || own.run_as_non_root.or(shared.run_as_non_root) != Some(true) {
            return NonRoot::NotAsked;
        }
        match own.run_as_user.or(shared.run_as_user) {
            Some(0) => NonRoot::Broken,
            Some(_) => NonRoot::Kept,
            None => NonRoot::ImageDecides,
        }
    }
}

/// The kubelet's words when [`NonRoot::Broken`].
pub const BROKEN_NON_ROOT: &str = "container's runAsUser breaks non-root policy";

/// The kubelet's words when the user of an image keeps a container with `runAsNonRoot` from being started; none when it
/// is started. `user` is the image's `USER` as it stands in its configuration, a group behind a colon included.
///
/// An image that says nothing runs as root. Of a name the kubelet cannot tell whether it is root's.
pub fn refusal_of_image(user: &str) -> Option<String> {
    let name = user.split(':').next().unwrap_or_default();
    match name.parse::<i64>() {
        Ok(0) => Some(IMAGE_IS_ROOT.to_owned()),
        Ok(number) if (1..=MAX_USER).contains(&number) => None,
        Ok(number) => Some(format!(
            "container has runAsNonRoot and image has an invalid user id ({number}). (Must be 1-({MAX_USER}))"
        )),
        Err(_) if name.is_empty() => Some(IMAGE_IS_ROOT.to_owned()),
        Err(_) => Some(format!(
            "container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root"
        )),
    }
}

const IMAGE_IS_ROOT: &str = "container has runAsNonRoot and image will run as root";

/// The greatest number that Kubernetes takes for a user.
const MAX_USER: i64 = i32::MAX as i64;

#[cfg(test)]
mod tests {
    use super::*;

    fn non_root(spec: &str) -> NonRoot {
        let json = format!("{{\"spec\": {spec}}}");
        let pod = Pod::from_json(json.as_bytes()).unwrap();
        let (_, _, container) = pod.containers().next().unwrap();
        pod.non_root(container)
    }

    #[test]
    fn the_container_s_own_settings_count_before_the_pod_s() {
        let with = |pod: &str, container: &str| {
            non_root(&format!(
                r#"{{"securityContext": {pod}, "containers": [{{"name": "a", "securityContext": {container}}}]}}"#
            ))
        };
        assert_eq!(with("{}", "{}"), NonRoot::NotAsked);
        assert_eq!(with(r#"{"runAsNonRoot": true}"#, "{}"), NonRoot::ImageDecides);
        assert_eq!(with(r#"{"runAsNonRoot": true}"#, r#"{"runAsNonRoot": false}"#), NonRoot::NotAsked);
        assert_eq!(with(r#"{"runAsNonRoot": true, "runAsUser": 0}"#, "{}"), NonRoot::Broken);
        assert_eq!(with(r#"{"runAsNonRoot": true, "runAsUser": 0}"#, r#"{"runAsUser": 5}"#), NonRoot::Kept);
        assert_eq!(
            non_root(
                r#"{"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true}, "containers": [{"name": "a"}]}"#
            ),
            NonRoot::NotAsked
        );
    }

    #[test]
    fn every_user_of_an_image_is_answered_as_the_kubelet_does() {
        for root in ["", "0", "0:0", ":5"] {
            assert_eq!(refusal_of_image(root).as_deref(), Some(IMAGE_IS_ROOT), "{root}");
        }
        for user in ["1", "65532:65532", "1000650000", "2147483647"] {
            assert_eq!(refusal_of_image(user), None, "{user}");
        }
        assert_eq!(
            refusal_of_image("nginx:nginx").as_deref(),
            Some(
                "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root"
            )
        );
        assert!(refusal_of_image("-1").is_some_and(|words| words.contains("invalid user id (-1)")));
        assert!(refusal_of_image("2147483648").is_some_and(|words| words.contains("invalid user id")));
    }
}
