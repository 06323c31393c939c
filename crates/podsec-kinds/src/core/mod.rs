//! The kinds of the core group, one file a kind.

mod access_modes;
pub(crate) mod claim_spec;
pub(crate) mod componentstatuses;
mod config_sources;
pub(crate) mod configmaps;
pub(crate) mod endpoints;
pub(crate) mod events;
mod key_pair;
pub(crate) mod limitranges;
pub(crate) mod namespaces;
pub(crate) mod nodes;
pub(crate) mod persistentvolumeclaims;
pub(crate) mod persistentvolumes;
pub(crate) mod pods;
pub(crate) mod podtemplates;
pub(crate) mod replicationcontrollers;
pub(crate) mod resourcequotas;
pub(crate) mod secrets;
pub(crate) mod serviceaccounts;
pub(crate) mod services;
mod taints;
