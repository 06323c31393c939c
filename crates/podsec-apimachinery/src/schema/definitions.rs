//! Kubernetes' published OpenAPI definitions as types: what fields a kind has, of what shape, and how they merge.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::document::{self, GoTypes, GroupVersionKind, RawSchema};
use super::merging::{ListType, MapType, PatchStrategy};
use super::messages;
use super::node::{Node, NodeShape, Scalar, TypeId};

/// A set of types that refer to each other.
#[derive(Debug)]
pub struct Definitions {
    types: Vec<Type>,
    names: HashMap<String, TypeId>,
    kinds: HashMap<GroupVersionKind, TypeId>,
}

/// A place in the definitions: a type, or one field of it. Cheap to copy; walks as a path does:
/// `Definitions::builtin().kind("", "v1", "Pod")?.property("spec")?.property("containers")?.items()?`.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    definitions: &'a Definitions,
    node: &'a Node,
}

/// What values a schema allows, as Go's types decode them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape<'a> {
    /// Any JSON value, kept as it is.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number in `i32`'s range.
    Integer32,
    /// A whole number in `i64`'s range.
    Integer64,
    /// A number.
    Number,
    /// A string.
    String,
    /// A string that holds base64.
    Bytes,
    /// A string that holds RFC 3339 in seconds.
    Time,
    /// A string that holds RFC 3339 in microseconds.
    MicroTime,
    /// A string or a number, as in `100m`.
    Quantity,
    /// A 32-bit integer or a string.
    IntOrString,
    /// A list of items.
    List(Schema<'a>),
    /// Free keys with values of one schema.
    Map(Schema<'a>),
    /// Fixed fields.
    Struct(Struct<'a>),
}

/// A type with fixed fields.
#[derive(Clone, Copy, Debug)]
pub struct Struct<'a> {
    definitions: &'a Definitions,
    name: &'a str,
    fields: &'a BTreeMap<String, Node>,
    always_written: &'a [&'static str],
}

impl Definitions {
    /// Those of Kubernetes v1.37; parsed at the first call.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Definitions> =
            LazyLock::new(|| Definitions::parse(&document::parsed(), &document::go_types()));
        &BUILTIN
    }

    /// Those of them that pods, and the kinds that carry pods, are made of, read in a third of the time; parsed at the
    /// first call.
    pub fn of_pods() -> &'static Self {
        static OF_PODS: LazyLock<Definitions> =
            LazyLock::new(|| Definitions::parse(&document::parsed_below(&CARRY_PODS), &document::go_types()));
        &OF_PODS
    }

    /// The template of a pod, of the definitions [of pods](Self::of_pods).
    pub fn pod_template() -> Option<Schema<'static>> {
        Self::of_pods().named(POD_TEMPLATE)
    }

    /// The schema of a kind; the core group is empty.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Schema<'_>> {
        let key =
            GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        self.schema(*self.kinds.get(&key)?)
    }

    /// The schema of a definition, as in `io.k8s.api.core.v1.PodSpec`.
    pub fn named(&self, name: &str) -> Option<Schema<'_>> {
        self.schema(*self.names.get(name)?)
    }

    /// The name of the definition of a kind.
    pub fn name_of(&self, group: &str, version: &str, kind: &str) -> Option<&str> {
        let key =
            GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        Some(&self.types.get(self.kinds.get(&key)?.0)?.name)
    }

    fn schema(&self, id: TypeId) -> Option<Schema<'_>> {
        Some(Schema { definitions: self, node: &self.types.get(id.0)?.node })
    }

    fn parse(document: &BTreeMap<String, RawSchema>, go_types: &GoTypes) -> Self {
        let names: HashMap<String, TypeId> =
            document.keys().enumerate().map(|(at, name)| (name.clone(), TypeId(at))).collect();
        let mut kinds = HashMap::new();
        let mut types = Vec::with_capacity(document.len());
        for (at, (name, raw)) in document.iter().enumerate() {
            for kind in &raw.kinds {
                kinds.insert(kind.clone(), TypeId(at));
            }
            let mut node = Node::of_definition(name, raw, &names);
            for (field, go_type) in go_types.get(name).into_iter().flatten() {
                node.name_go_type(field, go_type);
            }
            for field in messages::absent_when_empty(message_name(name)) {
                node.mark_absent_when_empty(field);
            }
            node.set_always_written(messages::always_written(message_name(name)));
            types.push(Type { name: name.clone(), node });
        }
        Self { types, names, kinds }
    }
}

impl<'a> Schema<'a> {
    /// What values it allows; references are followed.
    pub fn shape(self) -> Shape<'a> {
        let inner = |node| Schema { definitions: self.definitions, node };
        match &self.resolved().shape {
            NodeShape::Scalar(scalar) => (*scalar).into(),
            NodeShape::List(item) => Shape::List(inner(item)),
            NodeShape::Map(value) => Shape::Map(inner(value)),
            NodeShape::Struct { name, fields, always_written } => {
                Shape::Struct(Struct { definitions: self.definitions, name, fields, always_written })
            }
            // Only a definition that is nothing but a reference to a reference ends here, and there is none.
            NodeShape::Reference(_) => Shape::Any,
        }
    }

    /// The schema of a field of a struct, or of the values of a map.
    pub fn property(self, name: &str) -> Option<Schema<'a>> {
        match self.shape() {
            Shape::Struct(fields) => fields.field(name),
            Shape::Map(value) => Some(value),
            _ => None,
        }
    }

    /// The schema of the items of a list.
    pub fn items(self) -> Option<Schema<'a>> {
        match self.shape() {
            Shape::List(items) => Some(items),
            _ => None,
        }
    }

    /// `x-kubernetes-list-type`.
    pub fn list_type(self) -> Option<ListType> {
        self.node.merge.list_type
    }

    /// `x-kubernetes-list-map-keys`: the fields that tell the items of a [`ListType::Map`] apart.
    pub fn list_map_keys(self) -> &'a [String] {
        &self.node.merge.list_map_keys
    }

    /// `x-kubernetes-map-type`, of the field or else of its type.
    pub fn map_type(self) -> Option<MapType> {
        self.node.merge.map_type.or_else(|| self.resolved().merge.map_type)
    }

    /// `x-kubernetes-patch-strategy`.
    pub fn patch_strategy(self) -> PatchStrategy {
        self.node.merge.patch_strategy
    }

    /// `x-kubernetes-patch-merge-key`: the field by which a strategic merge patch finds an item.
    pub fn patch_merge_key(self) -> Option<&'a str> {
        self.node.merge.patch_merge_key.as_deref()
    }

    /// Whether an empty value (`""`, `0`, `false`, `[]`, `{}`) is the same as none, and is not stored.
    pub fn absent_when_empty(self) -> bool {
        self.node.absent_when_empty
    }

    /// What Go writes of a struct of this type of which nothing was ever set.
    pub(crate) fn unset(self) -> Value {
        match self.shape() {
            Shape::Struct(fields) => {
                let mut object = Map::new();
                fields.complete(&mut object);
                Value::Object(object)
            }
            _ => Value::Null,
        }
    }

    /// The Go type, as decoding errors name it: `[]v1.Container`.
    pub(crate) fn go_type(self) -> String {
        if let Some(named) = &self.node.go_type {
            return named.clone();
        }
        if let NodeShape::Reference(id) = &self.node.shape
            && let Some(named) = self.definitions.types.get(id.0)
        {
            return go_name(&named.name);
        }
        match self.shape() {
            Shape::Boolean => "bool".to_owned(),
            Shape::Integer32 => "int32".to_owned(),
            Shape::Integer64 => "int64".to_owned(),
            Shape::Number => "float64".to_owned(),
            Shape::Bytes => "[]uint8".to_owned(),
            Shape::List(item) => format!("[]{}", item.go_type()),
            Shape::Map(value) => format!("map[string]{}", value.go_type()),
            Shape::Struct(fields) => go_name(fields.name),
            Shape::Any => "interface {}".to_owned(),
            Shape::String | Shape::Time | Shape::MicroTime | Shape::Quantity | Shape::IntOrString => {
                "string".to_owned()
            }
        }
    }

    fn resolved(self) -> &'a Node {
        match &self.node.shape {
            NodeShape::Reference(id) => {
                self.definitions.types.get(id.0).map_or(self.node, |named| &named.node)
            }
            _ => self.node,
        }
    }
}

impl From<Scalar> for Shape<'_> {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Any => Self::Any,
            Scalar::Boolean => Self::Boolean,
            Scalar::Integer32 => Self::Integer32,
            Scalar::Integer64 => Self::Integer64,
            Scalar::Number => Self::Number,
            Scalar::String => Self::String,
            Scalar::Bytes => Self::Bytes,
            Scalar::Time => Self::Time,
            Scalar::MicroTime => Self::MicroTime,
            Scalar::Quantity => Self::Quantity,
            Scalar::IntOrString => Self::IntOrString,
        }
    }
}

impl<'a> Struct<'a> {
    /// The definition's name, as in `io.k8s.api.core.v1.PodSpec`.
    pub fn name(self) -> &'a str {
        self.name
    }

    /// The schema of a field; names are case-sensitive.
    pub fn field(self, name: &str) -> Option<Schema<'a>> {
        Some(Schema { definitions: self.definitions, node: self.fields.get(name)? })
    }

    /// The fields by name, in alphabetical order.
    pub fn fields(self) -> impl Iterator<Item = (&'a str, Schema<'a>)> {
        let Self { definitions, fields, .. } = self;
        fields.iter().map(move |(name, node)| (name.as_str(), Schema { definitions, node }))
    }

    /// The fields that Go writes even when they are absent: structs that are no pointers.
    pub(crate) fn always_written(self) -> &'a [&'static str] {
        self.always_written
    }

    /// The fields that Go writes with their zero values when they are absent, and which are no structs.
    pub(crate) fn written_zeros(self) -> impl Iterator<Item = (&'static str, Value)> {
        messages::written_zeros(message_name(self.name))
    }

    /// Adds what Go writes even when it is absent, structs that are no pointers: a time is null, any other is an object.
    pub(super) fn complete(self, object: &mut Map<String, Value>) {
        for name in self.always_written {
            if !object.contains_key(*name)
                && let Some(field) = self.field(name)
            {
                object.insert((*name).to_owned(), field.unset());
            }
        }
    }

    /// The names of the fields in the order of the Go struct, which is that of their protobuf numbers; empty when they have
    /// none.
    pub(crate) fn go_order(self) -> Vec<&'static str> {
        messages::field_names(message_name(self.name))
    }

    /// The name of the Go struct, as in `PodSpec`.
    pub(crate) fn go_struct(self) -> &'a str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

#[derive(Debug)]
struct Type {
    name: String,
    node: Node,
}

/// The kinds that carry pods; the template of a pod is among what they refer to.
const CARRY_PODS: [&str; 9] = [
    "io.k8s.api.apps.v1.DaemonSet",
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.api.apps.v1.ReplicaSet",
    "io.k8s.api.apps.v1.StatefulSet",
    "io.k8s.api.batch.v1.CronJob",
    "io.k8s.api.batch.v1.Job",
    "io.k8s.api.core.v1.Pod",
    "io.k8s.api.core.v1.PodTemplate",
    "io.k8s.api.core.v1.ReplicationController",
];

const POD_TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";

/// The protobuf message of a definition: `core.v1.Container`, `apis.meta.v1.ObjectMeta`.
fn message_name(definition: &str) -> &str {
    let prefixes = [
        "io.k8s.api.",
        "io.k8s.apiextensions-apiserver.pkg.apis.",
        "io.k8s.apimachinery.pkg.",
        "io.k8s.kube-aggregator.pkg.apis.",
    ];
    prefixes.iter().find_map(|prefix| definition.strip_prefix(prefix)).unwrap_or(definition)
}

/// `io.k8s.api.core.v1.Container` is Go's `v1.Container`.
fn go_name(definition: &str) -> String {
    let mut last = definition.rsplitn(3, '.');
    match (last.next(), last.next()) {
        (Some(name), Some(package)) => format!("{package}.{name}"),
        _ => definition.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Catalog;

    fn pod_spec() -> Schema<'static> {
        Definitions::builtin().kind("", "v1", "Pod").unwrap().property("spec").unwrap()
    }

    #[test]
    fn every_served_resource_has_a_definition_with_metadata_where_it_is_stored() {
        for resource in Catalog::builtin().resources() {
            let schema = Definitions::builtin().kind(&resource.group, &resource.version, &resource.kind);
            assert!(schema.unwrap().property("metadata").is_some(), "{resource:?}");
        }
    }

    #[test]
    fn the_definitions_of_pods_are_those_of_all_kinds() {
        fn describe(schema: Schema<'_>, depth: usize) -> String {
            let below =
                |schema: Schema<'_>| if depth == 0 { schema.go_type() } else { describe(schema, depth - 1) };
            let shape = match schema.shape() {
                Shape::Struct(fields) => {
                    let fields = fields.fields().map(|(name, field)| format!("{name} {}", below(field)));
                    fields.collect::<Vec<_>>().join(", ")
                }
                Shape::List(items) => below(items),
                Shape::Map(values) => below(values),
                other => format!("{other:?}"),
            };
            let merge =
                (schema.list_type(), schema.list_map_keys(), schema.map_type(), schema.patch_merge_key());
            format!("{} {merge:?} {} ({shape})", schema.go_type(), schema.absent_when_empty())
        }
        let all = Definitions::builtin();
        let of_pods = Definitions::of_pods();
        assert!(
            of_pods.types.len() > 80 && of_pods.types.len() * 4 < all.types.len(),
            "{}",
            of_pods.types.len()
        );
        for name in of_pods.names.keys() {
            let describe = |definitions: &Definitions| describe(definitions.named(name).unwrap(), 3);
            assert_eq!(describe(of_pods), describe(all), "{name}");
        }
        assert!(
            Definitions::pod_template().unwrap().property("spec").unwrap().property("containers").is_some()
        );
    }

    #[test]
    fn every_stable_kind_with_a_list_is_served() {
        for kind in Definitions::builtin().kinds.keys() {
            let stable = !kind.version.contains("alpha") && !kind.version.contains("beta");
            if let Some(item) = kind.kind.strip_suffix("List")
                && stable
                && !matches!(item, "APIGroup" | "APIResource")
            {
                let served = Catalog::builtin().by_kind(&kind.group, &kind.version, item);
                assert_eq!(served.map(|resource| resource.list_kind.as_str()), Some(kind.kind.as_str()));
            }
        }
    }

    #[test]
    fn containers_merge_by_name_and_their_ports_by_number_and_protocol() {
        let containers = pod_spec().property("containers").unwrap();
        assert_eq!(containers.patch_strategy(), PatchStrategy { merge: true, retain_keys: false });
        assert_eq!(containers.patch_merge_key(), Some("name"));
        assert_eq!(containers.list_type(), Some(ListType::Map));
        assert_eq!(containers.list_map_keys(), ["name"]);
        let ports = containers.items().unwrap().property("ports").unwrap();
        assert_eq!(ports.patch_merge_key(), Some("containerPort"));
        assert_eq!(ports.list_map_keys(), ["containerPort", "protocol"]);
        let command = containers.items().unwrap().property("command").unwrap();
        assert_eq!(command.list_type(), Some(ListType::Atomic));
        assert_eq!(command.patch_strategy(), PatchStrategy::default());
        let volumes = pod_spec().property("volumes").unwrap();
        assert_eq!(volumes.patch_strategy(), PatchStrategy { merge: true, retain_keys: true });
    }

    #[test]
    fn a_selector_is_atomic_by_its_type() {
        let deployment = Definitions::builtin().kind("apps", "v1", "Deployment").unwrap();
        let selector = deployment.property("spec").unwrap().property("selector").unwrap();
        assert_eq!(selector.map_type(), Some(MapType::Atomic));
    }

    #[test]
    fn types_are_named_as_go_names_them() {
        assert_eq!(pod_spec().go_type(), "v1.PodSpec");
        assert_eq!(pod_spec().property("containers").unwrap().go_type(), "[]v1.Container");
        assert_eq!(pod_spec().property("nodeSelector").unwrap().go_type(), "map[string]string");
        assert_eq!(pod_spec().property("hostPID").unwrap().go_type(), "bool");
        assert_eq!(pod_spec().property("restartPolicy").unwrap().go_type(), "v1.RestartPolicy");
    }

    #[test]
    fn a_pointer_tells_zero_from_absence_and_a_plain_value_does_not() {
        let absent = |path: &[&str]| {
            let found = path.iter().try_fold(pod_spec(), |at, name| match at.items() {
                Some(items) => items.property(name),
                None => at.property(name),
            });
            found.unwrap().absent_when_empty()
        };
        assert!(absent(&["hostPID"]) && absent(&["nodeName"]) && absent(&["initContainers"]));
        assert!(absent(&["volumes", "configMap", "items"]) && absent(&["containers", "ports", "hostPort"]));
        assert!(absent(&["nodeSelector"]) && absent(&["ephemeralContainers", "image"]));
        assert!(!absent(&["securityContext"]) && !absent(&["securityContext", "runAsUser"]));
        assert!(!absent(&["containers"]) && !absent(&["containers", "name"]) && !absent(&["hostUsers"]));
        assert!(!absent(&["containers", "resources"]) && !absent(&["terminationGracePeriodSeconds"]));
    }

    #[test]
    fn every_named_go_type_belongs_to_a_field() {
        for (name, fields) in document::go_types() {
            let schema = Definitions::builtin().named(&name).unwrap();
            for (field, go_type) in fields {
                assert_eq!(schema.property(&field).map(Schema::go_type), Some(go_type), "{name}.{field}");
            }
        }
    }

    #[test]
    fn types_that_decode_themselves_have_shapes_of_their_own() {
        let definitions = Definitions::builtin();
        let meta = definitions.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap();
        assert!(matches!(meta.property("creationTimestamp").unwrap().shape(), Shape::Time));
        let probe = definitions.named("io.k8s.api.core.v1.HTTPGetAction").unwrap();
        assert!(matches!(probe.property("port").unwrap().shape(), Shape::IntOrString));
        let resources = definitions.named("io.k8s.api.core.v1.ResourceRequirements").unwrap();
        let limits = resources.property("limits").unwrap();
        assert!(matches!(limits.property("cpu").unwrap().shape(), Shape::Quantity));
        let secret = definitions.kind("", "v1", "Secret").unwrap();
        assert!(matches!(secret.property("data").unwrap().property("x").unwrap().shape(), Shape::Bytes));
        let revision = definitions.kind("apps", "v1", "ControllerRevision").unwrap();
        assert!(matches!(revision.property("data").unwrap().shape(), Shape::Any));
    }
}
