//! What the checks and admission need of an object's metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::decode::{Decode, Member, Object};
use super::list::List;
use super::reader::{Reader, Result};

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

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "name" => value.read(&mut self.name),
            "annotations" => value.read(&mut self.annotations),
            "ownerReferences" => value.read(&mut self.owners),
            _ => value.skip(),
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

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        match name {
            "uid" => value.read(&mut self.uid),
            "controller" => value.read(&mut self.controller),
            _ => value.skip(),
        }
    }
}

/// The annotations that mean something to Pod Security, sorted by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Annotations<'a>(BTreeMap<Cow<'a, str>, Cow<'a, str>>);

impl Annotations<'_> {
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
        self.0.get_key_value(SECCOMP_POD).map(|(key, value)| (&**key, &**value))
    }

    /// The seccomp profile of the container of this name: key and value.
    pub(crate) fn container_seccomp(&self, container: &str) -> Option<(&str, &str)> {
        if self.0.is_empty() {
            return None;
        }
        let key = [SECCOMP_CONTAINER_PREFIX, container].concat();
        self.0.get_key_value(&*key).map(|(key, value)| (&**key, &**value))
    }
}

impl<'de> Decode<'de> for Annotations<'de> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        let present = reader.object("annotations", |key, reader| {
            let value = reader.text()?.unwrap_or_default();
            if key.starts_with(APP_ARMOR_PREFIX)
                || key.starts_with(SECCOMP_CONTAINER_PREFIX)
                || key == SECCOMP_POD
            {
                self.0.insert(key.clone(), value);
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
