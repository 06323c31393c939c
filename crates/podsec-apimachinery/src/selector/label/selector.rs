//! A label selector: requirements, and whether labels meet them.

use std::fmt;

use serde_json::{Map, Value};

use crate::{field, name};
use podsec_go::quote::quoted;

/// Requirements on labels, all of which must hold. Without any it matches everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Matches no object at all: what an absent `selector` field means.
    Nothing,
    /// Matches objects whose labels meet every requirement; sorted by key.
    Require(Vec<Requirement>),
}

/// What one label must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

/// How a label relates to a requirement's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equals,
    /// `==`
    DoubleEquals,
    /// `!=`; true also without the label
    NotEquals,
    /// `in (…)`
    In,
    /// `notin (…)`; true also without the label
    NotIn,
    /// `key`
    Exists,
    /// `!key`
    DoesNotExist,
    /// `>`, on integers
    GreaterThan,
    /// `<`, on integers
    LessThan,
}

/// Why a text or an object is no selector; kube-apiserver answers 400 with these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A token stands where another is expected.
    #[error("found '{found}', expected: {expected}")]
    Unexpected {
        /// The token.
        found: String,
        /// What could have stood there.
        expected: &'static str,
    },
    /// `in` and `notin` want a parenthesis; Kubernetes words this one without a comma.
    #[error("found '{0}' expected: '('")]
    NoParenthesis(String),
    /// The key or a value is malformed.
    #[error("{}", field::aggregate(.0))]
    Invalid(Vec<field::Error>),
    /// One requirement of a text is none.
    #[error("unable to parse requirement: {0}")]
    Requirement(#[source] Box<Error>),
    /// `matchExpressions` names no known operator.
    #[error("{} is not a valid label selector operator", quoted(.0))]
    UnknownOperator(String),
    /// An object is no `LabelSelector`: the field at this path has the wrong type.
    #[error("{0} is not of the type a label selector has there")]
    Malformed(field::Path),
}

impl Selector {
    /// Matches every object.
    pub fn everything() -> Self {
        Self::Require(Vec::new())
    }

    /// Labels that must all have these values, as a ReplicationController's `spec.selector` says it.
    pub fn from_set(labels: &Map<String, Value>) -> Self {
        let requirements = labels.iter().map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.as_str().unwrap_or_default().to_owned()],
        });
        Self::sorted(requirements.collect())
    }

    /// Whether it matches every object.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Require(requirements) if requirements.is_empty())
    }

    /// The requirements; none for [`Selector::Nothing`].
    pub fn requirements(&self) -> &[Requirement] {
        match self {
            Self::Nothing => &[],
            Self::Require(requirements) => requirements,
        }
    }

    /// Whether an object's `metadata.labels` match.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        self.matches_labels(labels)
    }

    /// Whether these labels match.
    pub fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Require(requirements) => requirements.iter().all(|requirement| {
                requirement
                    .matches(labels.and_then(|labels| labels.get(&requirement.key)).and_then(Value::as_str))
            }),
        }
    }

    pub(super) fn sorted(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self::Require(requirements)
    }
}

impl Requirement {
    /// A requirement whose key, operator and values fit each other.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every rule broken.
    pub fn new(key: &str, operator: Operator, mut values: Vec<String>) -> Result<Self, Error> {
        values.sort_unstable();
        values.dedup();
        let mut wrong = Vec::new();
        let invalid_key = name::label_key(key);
        if !invalid_key.is_empty() {
            let detail = invalid_key.join("; ");
            wrong.push(field::Error::invalid(field::Path::new("key"), &Value::from(key), &detail));
        }
        let path = field::Path::new("values");
        let mut refuse = |detail| {
            wrong.push(field::Error::invalid(path.clone(), &Value::from(values.clone()), detail));
        };
        match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                refuse("for 'in', 'notin' operators, values set can't be empty");
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if values.len() != 1 => {
                refuse("exact-match compatibility requires one single value");
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                refuse("values set must be empty for exists and does not exist");
            }
            Operator::GreaterThan | Operator::LessThan => {
                if values.len() != 1 {
                    refuse("for 'Gt', 'Lt' operators, exactly one value is required");
                }
                for (index, value) in
                    values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err())
                {
                    wrong.push(field::Error::invalid(
                        path.index(index),
                        &Value::from(value.as_str()),
                        "for 'Gt', 'Lt' operators, the value must be an integer",
                    ));
                }
            }
            _ => {}
        }
        for (index, value) in values.iter().enumerate() {
            let invalid = name::label_value(value);
            if !invalid.is_empty() {
                let path = path.index(index).key(key);
                wrong.push(field::Error::invalid(path, &Value::from(value.as_str()), &invalid.join("; ")));
            }
        }
        if wrong.is_empty() {
            Ok(Self { key: key.to_owned(), operator, values })
        } else {
            Err(Error::Invalid(wrong))
        }
    }

    /// The label's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How the label relates to the values.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The values, sorted, each once.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether a label with this value, or its absence, meets the requirement.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let has = |value: &str| self.values.iter().any(|wanted| wanted == value);
        let number = |text: &str| text.parse::<i64>().ok();
        match self.operator {
            Operator::Equals | Operator::DoubleEquals | Operator::In => value.is_some_and(has),
            Operator::NotEquals | Operator::NotIn => !value.is_some_and(has),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan | Operator::LessThan => {
                let limit = self.values.first().and_then(|limit| number(limit));
                value.and_then(number).zip(limit).is_some_and(|(value, limit)| {
                    if self.operator == Operator::GreaterThan { value > limit } else { value < limit }
                })
            }
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, values, .. } = self;
        let values = values.join(",");
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}
