//! What the checks and admission need of an object's metadata.

use std::borrow::Cow;

use super::decode::{Decode, Object};
use super::list::List;
use super::reader::Member;
use super::reader::{Reader, Result};
use super::unread;

/// Name, owners, and the annotations that mean something to Pod Security.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) annotations: Annotations<'a>,
    pub(crate) owners: List<OwnerReference<'a>>,
}

impl<'de> Object<'de> for Metadata<'de> {
    const EXPECTED: &'static str = "metadata";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "name" => member.read(&mut self.name),
            "annotations" => member.read(&mut self.annotations),
            "ownerReferences" => member.read(&mut self.owners),
            _ => member.check(unread::METADATA),
        }
    }
}

/// An object that this one belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnerReference<'a> {
    pub(crate) uid: Cow<'a, str>,
    pub(crate) controller: Option<bool>,
}

impl<'de> Object<'de> for OwnerReference<'de> {
    const EXPECTED: &'static str = "an owner reference";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "uid" => member.read(&mut self.uid),
            "controller" => member.read(&mut self.controller),
            _ => member.check(unread::OWNER),
        }
    }
}

/// The annotations that mean something to Pod Security, sorted by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Annotations<'a>(pub(super) Vec<(String, Cow<'a, str>)>);

impl<'a> Annotations<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The AppArmor profiles of containers: key and value.
    pub(crate) fn app_armor(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(key, _)| key.starts_with(APP_ARMOR_PREFIX))
            .map(|(key, value)| (&**key, &**value))
    }

    /// The seccomp profile of the pod: key and value.
    pub(crate) fn pod_seccomp(&self) -> Option<(&str, &str)> {
        self.find(SECCOMP_POD)
    }

    /// The seccomp profile of the container of this name: key and value.
    pub(crate) fn container_seccomp(&self, container: &str) -> Option<(&str, &str)> {
        if self.0.is_empty() {
            return None;
        }
        self.find(&[SECCOMP_CONTAINER_PREFIX, container].concat())
    }

    fn find(&self, key: &str) -> Option<(&str, &str)> {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(key, value)| (&**key, &**value))
    }

    /// Where the key is, or where it would be.
    fn place(&self, key: &str) -> core::result::Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(key))
    }

    /// Sets an annotation. The last of one key counts.
    fn set(&mut self, key: &str, value: Cow<'a, str>) {
        match self.place(key) {
            Ok(place) => {
                if let Some((_, old)) = self.0.get_mut(place) {
                    *old = value;
                }
            }
            Err(place) => self.0.insert(place, (key.to_owned(), value)),
        }
    }
}

impl<'de> Decode<'de> for Annotations<'de> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        let present = reader.object("annotations", |member| {
            let key = member.name;
            let value = member.value().text()?.unwrap_or_default();
            if key.starts_with(APP_ARMOR_PREFIX)
                || key.starts_with(SECCOMP_CONTAINER_PREFIX)
                || key == SECCOMP_POD
            {
                self.set(key, value);
            }
            Ok(())
        })?;
        if !present {
            self.0.clear();
        }
        Ok(())
    }
}

const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
