//! Users for containers that must not run as root and do not say as whom they run: as their images have them.

use podsec_standards::{CHECKS, Check, NonRoot, Pod, Safety, refusal_of_image};
use podsec_yaml::Node;
use serde_json::{Value, json};

use super::change::Action;
use super::plan::{BY_IMAGE, Planner, has_style_of_containers};
use super::tree::Tree;
use super::why::Why;
use crate::images::{Image, Images, NamedUser};
use crate::locate::Step;
use crate::node::Unfit;

/// A container whose user is to be written.
struct Wanted<'i> {
    container: Vec<Step>,
    user: &'i NamedUser,
    image: &'i Image,
    /// Whether the image runs as this user already.
    is_own: bool,
}

impl Planner<'_> {
    /// Writes the users of containers that the kubelet would not start, in the pod as it is after the changes so far: the
    /// user that the image names, by its number; or else the one that it is made for, which may break it.
    pub(super) fn settle_users(
        &mut self,
        after: &mut Tree<'_, '_>,
        node: Node<'_, '_>,
        images: &Images,
        unfit: &Unfit,
        unsafe_fixes: bool,
    ) {
        let Some(check) = CHECKS.iter().find(|check| check.id == "runAsNonRoot") else { return };
        if unfit.advice_on(check).is_some() {
            return;
        }
        let Some(now) = after.json_at(&[]) else { return };
        let json = now.to_string();
        let Ok(pod) = Pod::from_json(json.as_bytes()) else { return };
        let all = pod.containers().count();
        let mut wanted = Vec::new();
        for (kind, index, container) in pod.containers() {
            if pod.non_root(container) != NonRoot::ImageDecides {
                continue;
            }
            let Some(image) = images.get(container.image()) else { continue };
            let Some(refusal) = refusal_of_image(&image.user) else { continue };
            let steps = vec![member("spec"), member(kind.list()), Step::Element(index)];
            let (user, is_own) = match (&image.known_as, &image.made_for) {
                (Some(user), _) if user.uid > 0 => (user, true),
                (_, Some(user)) => (user, false),
                _ => {
                    self.leave(field(&steps, "runAsUser"), check, Why::NoUser(to_build(image, &refusal)));
                    continue;
                }
            };
            if !is_own && !unsafe_fixes {
                self.leave(field(&steps, "runAsUser"), check, Why::NeedsUnsafe);
                continue;
            }
            wanted.push(Wanted { container: steps, user, image, is_own });
        }
        let Some(first) = wanted.first() else { return };
        let agrees = wanted.len() == all
            && wanted
                .iter()
                .all(|other| other.user.uid == first.user.uid && other.user.gid == first.user.gid);
        if agrees && !has_style_of_containers(node) {
            let is_own = wanted.iter().all(|wanted| wanted.is_own);
            let at_pod =
                Wanted { container: vec![member("spec")], user: first.user, image: first.image, is_own };
            self.write(&at_pod, after, check);
        } else {
            for wanted in &wanted {
                self.write(wanted, after, check);
            }
        }
        // What root wrote so far into volumes, another user may not change unless they are of its group.
        let group = wanted
            .iter()
            .filter(|wanted| !wanted.is_own)
            .map(|wanted| wanted.user.gid)
            .reduce(|one, other| if one == other { one } else { 0 });
        if let Some(gid) = group.filter(|gid| *gid > 0)
            && has_own_volumes(&now)
            && now.pointer("/spec/securityContext/fsGroup").is_none_or(Value::is_null)
        {
            let steps = field(&[member("spec")], "fsGroup");
            after.set(&steps, &json!(gid));
            let reason = "so that the new user may write to the volumes".to_owned();
            self.change_noted(steps, Action::Set(json!(gid)), check, Safety::Unsafe, Some(reason));
        }
    }

    fn write(&mut self, wanted: &Wanted<'_>, after: &mut Tree<'_, '_>, check: &'static Check) {
        let Wanted { container, user, image, is_own } = wanted;
        let safety = if *is_own { Safety::Checked(BY_IMAGE) } else { Safety::Unsafe };
        let NamedUser { name, uid, gid } = user;
        let note = if *is_own {
            format!("as {:?} runs as it: user {name:?}", image.reference)
        } else {
            let low = |port: &&String| {
                port.split('/')
                    .next()
                    .and_then(|port| port.parse::<u16>().ok())
                    .is_some_and(|port| port < 1024)
            };
            let ports: Vec<&str> = image.ports.iter().filter(low).map(String::as_str).collect();
            let ports = match ports.as_slice() {
                [] => String::new(),
                ports => format!("; it exposes {}, which only root could once open", ports.join(", ")),
            };
            format!(
                "user {name:?} of {:?}, which runs as root by itself: look for files that only root may write{ports}",
                image.reference
            )
        };
        for (name, number, note) in [("runAsUser", uid, Some(note)), ("runAsGroup", gid, None)] {
            let steps = field(container, name);
            let is_said = after.json_at(&steps).is_some_and(|value| !value.is_null());
            if !is_said {
                after.set(&steps, &json!(number));
                self.change_noted(steps, Action::Set(json!(number)), check, safety, note);
            }
        }
    }
}

/// What is to be built where no user of the image fits.
fn to_build(image: &Image, refusal: &str) -> String {
    let reference = &image.reference;
    let name = image.user.split(':').next().unwrap_or_default();
    if name.is_empty() || name == "0" {
        format!(
            "{refusal}: {reference:?} has no user besides root that it seems to be made for; build one into it, with \
             `USER 10001` at the end of its Dockerfile, and give it the files that it writes"
        )
    } else {
        format!(
            "{refusal}: {reference:?} has no {name:?} in its /etc/passwd that is not root; name its user by the number in its \
             Dockerfile"
        )
    }
}

/// Whether a pod has volumes that Kubernetes gives to a group.
fn has_own_volumes(pod: &Value) -> bool {
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
    let is_own = |volume: &Value| {
        OWNED.iter().any(|source| volume.get(source).is_some_and(|source| !source.is_null()))
    };
    volumes.is_some_and(|volumes| volumes.iter().any(is_own))
}

fn field(container: &[Step], name: &str) -> Vec<Step> {
    container.iter().cloned().chain([member("securityContext"), member(name)]).collect()
}

fn member(name: &str) -> Step {
    Step::Member(name.to_owned())
}

/// The sources of volumes whose files the kubelet gives to `fsGroup`.
const OWNED: [&str; 4] = ["persistentVolumeClaim", "ephemeral", "emptyDir", "csi"];
