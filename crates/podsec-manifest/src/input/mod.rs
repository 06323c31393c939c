//! What to judge: files, found below folders as git sees them, and texts that were given or rendered.

mod chart;
mod discovery;
mod judge;
mod kustomization;
mod namespaces;
mod ordered;
mod parts;
mod paths;
mod rendered;
mod search;
mod subject;
mod trace;

pub use chart::{Chart, Release};
pub use discovery::{Discovery, Overlay};
pub use judge::{Judgement, check_inputs};
pub use kustomization::Kustomizations;
pub use namespaces::{Namespace, namespaces};
pub use ordered::in_order;
pub use paths::{KUSTOMIZATION_NAMES, kustomization_of, relative, without_detours};
pub use rendered::Rendered;
pub use search::{forget_names, search};
pub use subject::Input;
