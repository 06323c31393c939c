//! A field of a pod that a check forbids: where it is, what it holds, what it may hold.

use core::fmt;
use std::borrow::Cow;

use crate::pod::ContainerKind;

/// A field that a check forbids as it stands.
#[derive(Clone, Debug)]
pub struct Field<'p> {
    /// What the field belongs to.
    pub owner: Owner<'p>,
    /// The field below its owner, `[*]` standing for [`Field::element`]; empty for the owner itself.
    pub(crate) name: &'static str,
    /// Which element, where the name goes through a list.
    pub(crate) element: Option<usize>,
    /// What the field holds.
    pub actual: Actual<'p>,
    /// What it may hold; `undefined` where it may be left out.
    pub allowed: &'static [&'static str],
}

/// What a check found: only whether there is something, or each field.
#[derive(Debug)]
pub(crate) enum Findings<'p> {
    Verdict { forbidden: bool },
    Fields(Vec<Field<'p>>),
}

impl<'p> Findings<'p> {
    pub(crate) fn push(&mut self, field: Field<'p>) {
        match self {
            Self::Verdict { forbidden } => *forbidden = true,
            Self::Fields(fields) => fields.push(field),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Verdict { forbidden } => !forbidden,
            Self::Fields(fields) => fields.is_empty(),
        }
    }
}

/// The part of a pod that a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'p> {
    /// The pod's spec as a whole.
    Pod,
    /// One container.
    Container {
        /// The list that it is in.
        kind: ContainerKind,
        /// Its place in the list, from 0.
        index: usize,
        /// Its name.
        name: &'p str,
    },
    /// One volume.
    Volume {
        /// Its place in `spec.volumes`, from 0.
        index: usize,
        /// Its name.
        name: &'p str,
    },
    /// One annotation of the pod.
    Annotation {
        /// Its key.
        key: &'p str,
    },
}

/// What a forbidden field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actual<'p> {
    /// Nothing: the field is not there, and must be.
    Undefined,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A string.
    Text(&'p str),
    /// A list of strings.
    List(&'p [Cow<'p, str>]),
    /// An object, whose mere presence is forbidden.
    Object,
}

impl<'p> Field<'p> {
    pub(crate) fn new(
        owner: Owner<'p>,
        name: &'static str,
        actual: Actual<'p>,
        allowed: &'static [&'static str],
    ) -> Self {
        Self { owner, name, element: None, actual, allowed }
    }

    /// The same field of the element at this place of the list in its name.
    pub(crate) fn element(self, index: usize) -> Self {
        Self { element: Some(index), ..self }
    }

    /// The name of the container that the field belongs to, if it does.
    pub fn container(&self) -> Option<&'p str> {
        match self.owner {
            Owner::Container { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The name of the volume that the field belongs to, if it does.
    pub fn volume(&self) -> Option<&'p str> {
        match self.owner {
            Owner::Volume { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The string that the field holds, if it holds one.
    pub(crate) fn text(&self) -> Option<&'p str> {
        match self.actual {
            Actual::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The field's path in the pod: `spec.containers[0].ports[1].hostPort`.
    pub fn path(&self) -> FieldPath<'_> {
        FieldPath(self)
    }

    /// The field's path as [`crate::Check::fields`] lists it: every kind of container is written as
    /// `spec.containers[*]`.
    pub fn pattern(&self) -> String {
        let prefix = match self.owner {
            Owner::Pod => "spec",
            Owner::Container { .. } => "spec.containers[*]",
            Owner::Volume { .. } => "spec.volumes[*]",
            Owner::Annotation { .. } => return format!("metadata.annotations[{}]", self.name),
        };
        if self.name.is_empty() { prefix.to_owned() } else { format!("{prefix}.{}", self.name) }
    }
}

/// The path of a field; [`fmt::Display`] writes it as Kubernetes would.
#[derive(Clone, Copy, Debug)]
pub struct FieldPath<'f>(&'f Field<'f>);

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'p> {
    /// To the member of this name.
    Member(&'p str),
    /// To the element at this place, from 0.
    Element(usize),
}

impl<'f> FieldPath<'f> {
    /// The steps from the pod to the field.
    pub fn segments(&self) -> Vec<Segment<'f>> {
        let field = self.0;
        let mut segments = match field.owner {
            Owner::Pod => vec![Segment::Member("spec")],
            Owner::Container { kind, index, .. } => {
                vec![Segment::Member("spec"), Segment::Member(kind.list()), Segment::Element(index)]
            }
            Owner::Volume { index, .. } => {
                vec![Segment::Member("spec"), Segment::Member("volumes"), Segment::Element(index)]
            }
            Owner::Annotation { key } => {
                return vec![
                    Segment::Member("metadata"),
                    Segment::Member("annotations"),
                    Segment::Member(key),
                ];
            }
        };
        for step in field.name.split('.').filter(|step| !step.is_empty()) {
            segments.push(Segment::Member(step.strip_suffix("[*]").unwrap_or(step)));
            if step.ends_with("[*]") {
                segments.extend(field.element.map(Segment::Element));
            }
        }
        segments
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Owner::Annotation { key } = self.0.owner {
            return write!(f, "metadata.annotations[{key}]");
        }
        for (place, segment) in self.segments().into_iter().enumerate() {
            match segment {
                Segment::Member(name) if place == 0 => f.write_str(name)?,
                Segment::Member(name) => write!(f, ".{name}")?,
                Segment::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Actual<'_> {
    /// The value as JSON; `undefined` for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{}", serde_json::Value::from(*value)),
            Self::List(values) => {
                write!(
                    f,
                    "{}",
                    values
                        .iter()
                        .map(|value| serde_json::Value::from(&**value))
                        .collect::<serde_json::Value>()
                )
            }
            Self::Object => f.write_str("{…}"),
        }
    }
}
