//! What a definition says about a value, as it is kept.

use std::collections::{BTreeMap, HashMap};

use super::document::RawSchema;
use super::merging::{ListType, MapType, PatchStrategy};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeId(pub(super) usize);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) shape: NodeShape,
    pub(super) merge: Merge,
    /// Where it does not follow from the shape.
    pub(super) go_type: Option<String>,
    pub(super) absent_when_empty: bool,
}

impl Node {
    /// The type of a definition.
    pub(super) fn of_definition(name: &str, raw: &RawSchema, names: &HashMap<String, TypeId>) -> Self {
        Self::new(special(name).unwrap_or_else(|| shape(name, raw, names)), raw)
    }

    fn of_field(raw: &RawSchema, names: &HashMap<String, TypeId>) -> Self {
        Self::new(shape("", raw, names), raw)
    }

    fn new(shape: NodeShape, raw: &RawSchema) -> Self {
        Self { shape, merge: merge(raw), go_type: None, absent_when_empty: false }
    }

    pub(super) fn mark_absent_when_empty(&mut self, field: &str) {
        if let NodeShape::Struct { fields, .. } = &mut self.shape
            && let Some(field) = fields.get_mut(field)
        {
            field.absent_when_empty = true;
        }
    }

    pub(super) fn set_always_written(&mut self, names: Vec<&'static str>) {
        if let NodeShape::Struct { always_written, .. } = &mut self.shape {
            *always_written = names;
        }
    }

    pub(super) fn name_go_type(&mut self, field: &str, go_type: &str) {
        if let NodeShape::Struct { fields, .. } = &mut self.shape
            && let Some(field) = fields.get_mut(field)
        {
            field.go_type = Some(go_type.to_owned());
            if let (NodeShape::List(items), Some(item)) = (&mut field.shape, go_type.strip_prefix("[]")) {
                items.go_type = Some(item.to_owned());
            }
        }
    }
}

/// A value without parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar {
    Any,
    Boolean,
    Integer32,
    Integer64,
    Number,
    String,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
}

#[derive(Debug)]
pub(super) enum NodeShape {
    Scalar(Scalar),
    List(Box<Node>),
    Map(Box<Node>),
    Struct {
        name: String,
        fields: BTreeMap<String, Node>,
        /// The fields that are written even when they are absent.
        always_written: Vec<&'static str>,
    },
    Reference(TypeId),
}

#[derive(Debug, Default)]
pub(super) struct Merge {
    pub(super) list_type: Option<ListType>,
    pub(super) list_map_keys: Vec<String>,
    pub(super) map_type: Option<MapType>,
    pub(super) patch_strategy: PatchStrategy,
    pub(super) patch_merge_key: Option<String>,
}

/// `name` is the definition's, and empty inside of one.
fn shape(name: &str, raw: &RawSchema, names: &HashMap<String, TypeId>) -> NodeShape {
    if let Some(id) = raw.reference().and_then(|name| names.get(name)) {
        return NodeShape::Reference(*id);
    }
    if let Some(items) = &raw.items {
        return NodeShape::List(Box::new(Node::of_field(items, names)));
    }
    if let Some(values) = &raw.additional_properties {
        return NodeShape::Map(Box::new(Node::of_field(values, names)));
    }
    let scalar = match (raw.kind.as_deref(), raw.format.as_deref()) {
        (Some("object"), _) => {
            let field = |(name, field): (&String, &RawSchema)| (name.clone(), Node::of_field(field, names));
            let fields = raw.properties.iter().map(field).collect();
            return NodeShape::Struct { name: name.to_owned(), fields, always_written: Vec::new() };
        }
        (Some("boolean"), _) => Scalar::Boolean,
        (Some("integer"), Some("int32")) => Scalar::Integer32,
        (Some("integer"), _) => Scalar::Integer64,
        (Some("number"), _) => Scalar::Number,
        (Some("string"), Some("byte")) => Scalar::Bytes,
        (Some("string"), _) => Scalar::String,
        _ => Scalar::Any,
    };
    NodeShape::Scalar(scalar)
}

/// Types that decode themselves: their JSON is not what their fields say.
fn special(name: &str) -> Option<NodeShape> {
    let scalar = match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => Scalar::Quantity,
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => Scalar::MicroTime,
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" => Scalar::Time,
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Scalar::IntOrString,
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"
        | "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
        | "io.k8s.apimachinery.pkg.runtime.RawExtension" => Scalar::Any,
        _ => return None,
    };
    Some(NodeShape::Scalar(scalar))
}

fn merge(raw: &RawSchema) -> Merge {
    let strategy = raw.patch_strategy.as_deref().unwrap_or_default();
    Merge {
        list_type: match raw.list_type.as_deref() {
            Some("atomic") => Some(ListType::Atomic),
            Some("set") => Some(ListType::Set),
            Some("map") => Some(ListType::Map),
            _ => None,
        },
        list_map_keys: raw.list_map_keys.clone(),
        map_type: match raw.map_type.as_deref() {
            Some("atomic") => Some(MapType::Atomic),
            Some("granular") => Some(MapType::Granular),
            _ => None,
        },
        patch_strategy: PatchStrategy {
            merge: strategy.split(',').any(|word| word == "merge"),
            retain_keys: strategy.split(',').any(|word| word == "retainKeys"),
        },
        patch_merge_key: raw.patch_merge_key.clone(),
    }
}
