//! What to judge: files, found below folders as git sees them, and texts that were given or rendered.

mod judge;
mod kustomization;
mod namespaces;
mod ordered;
mod parts;
mod search;
mod subject;

pub use judge::{Judgement, check_inputs};
pub use kustomization::{KUSTOMIZATION_NAMES, Kustomizations, without_detours};
pub use namespaces::{Namespace, namespaces};
pub use ordered::in_order;
pub use search::{forget_names, search};
pub use subject::Input;
