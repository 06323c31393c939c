//! What Kubernetes decodes of metadata beyond what the checks read.

use super::Type::{Boolean, Integer64, Objects, Text, TextMap, Texts, Time};
use super::types::Fields;

pub(crate) const METADATA: &Fields = &[
    ("creationTimestamp", Time),
    ("deletionGracePeriodSeconds", Integer64),
    ("deletionTimestamp", Time),
    ("finalizers", Texts),
    ("generateName", Text),
    ("generation", Integer64),
    ("labels", TextMap),
    ("managedFields", Objects(MANAGED_FIELDS_ENTRY)),
    ("namespace", Text),
    ("resourceVersion", Text),
    ("selfLink", Text),
    ("uid", Text),
];

pub(crate) const OWNER: &Fields =
    &[("apiVersion", Text), ("blockOwnerDeletion", Boolean), ("kind", Text), ("name", Text)];

const MANAGED_FIELDS_ENTRY: &Fields = &[
    ("apiVersion", Text),
    ("fieldsType", Text),
    ("manager", Text),
    ("operation", Text),
    ("subresource", Text),
    ("time", Time),
];

/// All of the metadata of an object in which nothing is read.
pub(crate) const OBJECT_META: &Fields = &[
    ("annotations", TextMap),
    ("creationTimestamp", Time),
    ("deletionGracePeriodSeconds", Integer64),
    ("deletionTimestamp", Time),
    ("finalizers", Texts),
    ("generateName", Text),
    ("generation", Integer64),
    ("labels", TextMap),
    ("managedFields", Objects(MANAGED_FIELDS_ENTRY)),
    ("name", Text),
    ("namespace", Text),
    ("ownerReferences", Objects(OWNER_REFERENCE)),
    ("resourceVersion", Text),
    ("selfLink", Text),
    ("uid", Text),
];

const OWNER_REFERENCE: &Fields = &[
    ("apiVersion", Text),
    ("blockOwnerDeletion", Boolean),
    ("controller", Boolean),
    ("kind", Text),
    ("name", Text),
    ("uid", Text),
];
