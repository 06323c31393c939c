//! Fields that no check reads but that Kubernetes decodes before anything is judged: a value of the wrong type
//! there is an error all the same.
//!
//! The tables name every other field of the types that a pod is made of. Where one type of the view stands for two
//! of Kubernetes', its table has the fields of both. Fields that are in no table are unknown to Kubernetes, too, and
//! may hold anything.

mod containers;
mod jobs;
mod metadata;
mod spec;
mod status;
mod types;
mod volumes;
mod workloads;

pub(crate) use containers::{
    CONTAINER, HANDLER, LIFECYCLE, PORT, PROFILE, SE_LINUX_OPTIONS, SECURITY_CONTEXT, TARGET, WINDOWS_OPTIONS,
};
pub(crate) use metadata::{METADATA, OBJECT_META, OWNER};
pub(crate) use spec::{POD, POD_SECURITY_CONTEXT, POD_SPEC, SYSCTL};
pub(crate) use types::{Fields, Type, check};
pub(crate) use volumes::SOURCES;
pub(crate) use workloads::{NAMESPACE_SPEC, NAMESPACE_STATUS, around_pod};
