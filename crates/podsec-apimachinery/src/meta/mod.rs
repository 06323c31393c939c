//! `metadata`: typed reading and writing of an object's `ObjectMeta`, and the rules it must keep.

mod object_meta;
mod validation;

pub use object_meta::{ListMeta, Meta, MetaMut, OwnerReference, generated_name, time_text};
pub use validation::{
    FIELD_MANAGER_LENGTH, Scope, validate, validate_field_manager, validate_finalizers_of_builtin,
    validate_update,
};
