//! `metav1.LabelSelector`: `matchLabels` and `matchExpressions`.

use serde_json::{Map, Value};

use super::selector::{Error, Operator, Requirement, Selector};
use crate::{field, name};

/// Reads the object form. An absent selector matches nothing, an empty one everything.
///
/// # Errors
/// [`Error::Invalid`] and [`Error::UnknownOperator`] in Kubernetes' words, [`Error::Malformed`] for wrong types.
pub fn from_object(selector: Option<&Value>) -> Result<Selector, Error> {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else {
        return Ok(Selector::Nothing);
    };
    let root = field::Path::default();
    let fields = selector.as_object().ok_or_else(|| Error::Malformed(root.clone()))?;
    let mut requirements = Vec::new();
    for (key, value) in map(fields, "matchLabels", &root)? {
        let path = root.child("matchLabels").key(key);
        let value = value.as_str().ok_or(Error::Malformed(path))?;
        requirements.push(Requirement::new(key, Operator::Equals, vec![value.to_owned()])?);
    }
    for expression in expressions(fields, &root)? {
        let Expression { key, operator, values, .. } = expression?;
        let operator = match operator {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => return Err(Error::UnknownOperator(other.to_owned())),
        };
        requirements.push(Requirement::new(key, operator, values)?);
    }
    Ok(Selector::sorted(requirements))
}

/// What is wrong with an object's selector field, in the words of `ValidateLabelSelector`.
///
/// # Errors
/// [`Error::Malformed`] for wrong types, which decoding should have refused.
pub fn validate_object(selector: &Value, path: &field::Path) -> Result<Vec<field::Error>, Error> {
    let Some(fields) = selector.as_object() else { return Ok(Vec::new()) };
    let mut wrong = Vec::new();
    for (key, value) in map(fields, "matchLabels", path)? {
        let path = path.child("matchLabels");
        let value = value.as_str().ok_or_else(|| Error::Malformed(path.key(key)))?;
        for detail in name::label_key(key) {
            wrong.push(field::Error::invalid(path.clone(), &Value::from(key.as_str()), &detail));
        }
        for detail in name::label_value(value) {
            wrong.push(field::Error::invalid(path.clone(), &Value::from(value), &detail));
        }
    }
    for expression in expressions(fields, path)? {
        let Expression { path, key, operator, values } = expression?;
        match operator {
            "In" | "NotIn" if values.is_empty() => wrong.push(field::Error::required(
                path.child("values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "Exists" | "DoesNotExist" if !values.is_empty() => wrong.push(field::Error::forbidden(
                path.child("values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => wrong.push(field::Error::invalid(
                path.child("operator"),
                &Value::from(other),
                "not a valid selector operator",
            )),
        }
        for detail in name::label_key(key) {
            wrong.push(field::Error::invalid(path.child("key"), &Value::from(key), &detail));
        }
        for (index, value) in values.iter().enumerate() {
            for detail in name::label_value(value) {
                let path = path.child("values").index(index);
                wrong.push(field::Error::invalid(path, &Value::from(value.as_str()), &detail));
            }
        }
    }
    Ok(wrong)
}

struct Expression<'a> {
    path: field::Path,
    key: &'a str,
    operator: &'a str,
    values: Vec<String>,
}

fn expressions<'a>(
    fields: &'a Map<String, Value>,
    path: &field::Path,
) -> Result<impl Iterator<Item = Result<Expression<'a>, Error>>, Error> {
    let path = path.child("matchExpressions");
    let items = match fields.get("matchExpressions") {
        None | Some(Value::Null) => [].as_slice(),
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => return Err(Error::Malformed(path)),
    };
    Ok(items.iter().enumerate().map(move |(index, item)| {
        let path = path.index(index);
        let text = |name: &str| match item.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(value) => value.as_str().ok_or_else(|| Error::Malformed(path.child(name))),
        };
        let values = match item.get("values") {
            None | Some(Value::Null) => Vec::new(),
            Some(values) => values
                .as_array()
                .and_then(|values| values.iter().map(|value| value.as_str().map(str::to_owned)).collect())
                .ok_or_else(|| Error::Malformed(path.child("values")))?,
        };
        Ok(Expression { key: text("key")?, operator: text("operator")?, values, path: path.clone() })
    }))
}

fn map<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
    path: &field::Path,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Error> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Error::Malformed(path.child(name))),
    }
    .map(|map| map.into_iter().flatten())
}
