//! What the patch engines must know of a type, as a trait, so that built-in definitions and
//! CustomResourceDefinitions can both answer it.

use serde_json::Value;

use crate::schema::ConvertError;

/// What a value of a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A leaf.
    Scalar(Scalar),
    /// A list.
    List(ListType),
    /// A struct, a map, or both.
    Map(MapType),
    /// Nothing is declared: maps merge by key, lists are atomic, any scalar is welcome.
    Untyped,
}

/// The types a leaf may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    String,
    /// A float or an integer.
    Numeric,
    /// A boolean.
    Boolean,
    /// Any of them, as in `IntOrString` and `Quantity`.
    Any,
}

/// `x-kubernetes-list-type`: what server-side apply owns of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListType {
    /// The list as a whole.
    Atomic,
    /// Each scalar in it.
    Set,
    /// Each element, told apart by the fields of `x-kubernetes-list-map-keys`.
    Map(Vec<String>),
}

/// `x-kubernetes-map-type`: what server-side apply owns of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// The map as a whole.
    Atomic,
    /// Each of its fields.
    Granular,
}

/// `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`: what a strategic merge patch does to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// The patch's list is merged into the object's, not put in its place. Maps always merge.
    pub merge: bool,
    /// The field that tells elements apart; absent for lists of scalars.
    pub merge_key: Option<String>,
}

/// One node in the tree of a type's schema.
pub trait TypeSchema: Clone {
    /// The object in the form in which Kubernetes stores it, made of the tree that an apply has merged. What is not
    /// declared stays as it is.
    ///
    /// # Errors
    /// When a value is not of the type of its field.
    fn converted(&self, tree: Value) -> Result<Value, ConvertError> {
        Ok(tree)
    }

    /// What a value here is.
    fn shape(&self) -> Shape;

    /// The field `name` of a struct, or the values of a map; `None` when neither is declared.
    fn field(&self, name: &str) -> Option<Self>;

    /// Whether `name` is declared as a field, and is not one of a map's free keys.
    fn declares(&self, name: &str) -> bool;

    /// The elements of a list; `None` when undeclared.
    fn element(&self) -> Option<Self>;

    /// The value a missing `key` of a list's element takes, as `TCP` for a port's protocol.
    fn key_default(&self, key: &str) -> Option<Value>;

    /// How a strategic merge patch treats this field.
    fn patch_strategy(&self) -> PatchStrategy;

    /// What Go writes for an empty value of a struct: its structs that are no pointers and its lists without
    /// `omitempty`. These fields have no owner, which shows in managed fields as a missing `.`.
    fn zero(&self) -> Option<Value> {
        None
    }
}

/// A type of which nothing is known, as for kinds without a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untyped;

impl TypeSchema for Untyped {
    fn shape(&self) -> Shape {
        Shape::Untyped
    }

    fn field(&self, _: &str) -> Option<Self> {
        Some(Self)
    }

    fn declares(&self, _: &str) -> bool {
        false
    }

    fn element(&self) -> Option<Self> {
        Some(Self)
    }

    fn key_default(&self, _: &str) -> Option<Value> {
        None
    }

    fn patch_strategy(&self) -> PatchStrategy {
        PatchStrategy::default()
    }
}
