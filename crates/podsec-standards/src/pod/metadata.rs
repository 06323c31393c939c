//! What the checks and admission need of an object's metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;

use core::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};

use super::decode::{Decode, Member, Object};
use super::list::List;

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

    fn member<A: MapAccess<'de>>(&mut self, name: &str, value: Member<'_, A>) -> Result<(), A::Error> {
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

    fn member<A: MapAccess<'de>>(&mut self, name: &str, value: Member<'_, A>) -> Result<(), A::Error> {
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
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(AnnotationsVisitor(self))
    }
}

struct AnnotationsVisitor<'t, 'a>(&'t mut Annotations<'a>);

impl<'de> Visitor<'de> for AnnotationsVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.0.clear();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<super::decode::Name<'de>>()? {
            let mut value = Cow::Borrowed("");
            Member::new(&mut map).read(&mut value)?;
            if key.0.starts_with(APP_ARMOR_PREFIX)
                || key.0.starts_with(SECCOMP_CONTAINER_PREFIX)
                || key.0 == SECCOMP_POD
            {
                self.0.0.insert(key.0, value);
            }
        }
        Ok(())
    }
}

const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
