//! Whether an object keeps its schema, in the words of kube-openapi's validators.

mod ratcheting;

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::schema::{Bound, Structural, Type, below};
use crate::field::{Cause, Error, Path};
use crate::patch::schema::ListType;
use crate::schema::time::{self, Precision};
use ratcheting::{StoredItems, is_unchanged};

impl Structural {
    /// What is wrong with an object, or with a part of one.
    pub fn validate(&self, object: &Value) -> Vec<Error> {
        let mut errors = Vec::new();
        self.visit(object, None, "", &mut errors);
        errors
    }

    /// What is wrong with an object that takes the place of `old`, but for what is as it was.
    pub fn validate_update(&self, object: &Value, old: &Value) -> Vec<Error> {
        let mut errors = Vec::new();
        self.visit(object, Some(old), "", &mut errors);
        errors
    }

    /// What is wrong with one field of an object that takes the place of `old`; the others are not looked at. Messages
    /// name what is in the field as if it were the whole.
    pub fn validate_field_update(&self, name: &str, object: &Value, old: &Value) -> Vec<Error> {
        let (Some(schema), Some(value)) = (self.value_of(name), object.get(name)) else { return Vec::new() };
        let mut errors = Vec::new();
        schema.visit(value, old.get(name), "", &mut errors);
        for error in &mut errors {
            if error.path != Path::new("<nil>") {
                let place = error.path.to_string();
                error.path = if place.is_empty() { Path::new(name) } else { Path::new(&below(name, &place)) };
            }
        }
        errors
    }

    fn visit(&self, value: &Value, old: Option<&Value>, place: &str, errors: &mut Vec<Error>) {
        let before = errors.len();
        self.check(value, old, place, errors);
        if errors.len() > before && old.is_some_and(|old| is_unchanged(self, value, old)) {
            errors.truncate(before);
        }
    }

    fn check(&self, value: &Value, old: Option<&Value>, place: &str, errors: &mut Vec<Error>) {
        self.check_type(value, place, errors);
        if !value.is_null() {
            self.check_logic(value, place, errors);
            match value {
                Value::String(text) => self.check_string(text, place, errors),
                Value::Number(number) => self.check_number(number, place, errors),
                Value::Array(items) => self.check_list(items, old, place, errors),
                _ => {}
            }
        }
        if let Some(allowed) = &self.rules.allowed
            && !allowed.contains(value)
            && !(value.is_null() && self.nullable)
        {
            let shown: Vec<String> = allowed.iter().map(shown).collect();
            let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
            errors.push(Error::not_supported(Path::new(place), value, &shown));
        }
        if let Value::Object(fields) = value {
            self.check_object(fields, old, place, errors);
        }
    }

    fn check_type(&self, value: &Value, place: &str, errors: &mut Vec<Error>) {
        let actual = type_name(value);
        let fits = |kind: Type| match (kind, value) {
            (Type::Integer, Value::Number(number)) => {
                number.is_i64()
                    || number.is_u64()
                    || number.as_f64().is_some_and(|float| float.fract() == 0.0)
            }
            (Type::Number, Value::Number(_)) => true,
            _ => kind.name() == actual,
        };
        let expected = match self.kind {
            None if self.int_or_string => "integer,string",
            None => return,
            Some(kind) => kind.name(),
        };
        let right = match self.kind {
            _ if value.is_null() => self.nullable,
            None => fits(Type::Integer) || value.is_string(),
            Some(kind) => fits(kind),
        };
        if !right {
            let what = format!("must be of type {expected}: \"{actual}\"");
            let error = refusal(place, &Value::from(actual), &what);
            errors.push(Error { cause: Cause::TypeInvalid, ..error });
        }
    }

    fn check_string(&self, text: &str, place: &str, errors: &mut Vec<Error>) {
        let (rules, value) = (&self.rules, Value::from(text));
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if let Some(limit) = rules.max_length.filter(|limit| length > *limit) {
            errors.push(Error::too_long(Path::new(place), usize::try_from(limit).unwrap_or(usize::MAX)));
        }
        if let Some(limit) = rules.min_length.filter(|limit| length < *limit) {
            errors.push(refusal(place, &value, &format!("should be at least {limit} chars long")));
        }
        if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            errors.push(refusal(place, &value, &format!("should match '{}'", pattern.text)));
        }
        if let Some(format) = rules.format.as_deref().filter(|format| !has_format(text, format)) {
            let error = refusal(place, &value, &format!("must be of type {format}: {value}"));
            errors.push(Error { cause: Cause::TypeInvalid, ..error });
        }
    }

    fn check_number(&self, number: &Number, place: &str, errors: &mut Vec<Error>) {
        let (rules, value) = (&self.rules, Value::Number(number.clone()));
        let breaks = |bound: &&Bound, side: Ordering| match compare(number, &bound.number) {
            Some(Ordering::Equal) => bound.exclusive,
            other => other == Some(side),
        };
        if self.kind == Some(Type::Integer) && !fits_format(number, rules.format.as_deref()) {
            let format = match &rules.format {
                Some(format) => format!("with format {format}"),
                None => "(default format)".to_owned(),
            };
            let why = format!("Checked value must be of type integer {format} in {place}");
            errors.push(Error::invalid(Path::new("<nil>"), &Value::from(""), &why));
        }
        if let Some(factor) = &rules.multiple_of
            && !is_multiple(number, factor)
        {
            errors.push(refusal(place, &value, &format!("should be a multiple of {factor}")));
        }
        if let Some(bound) = rules.maximum.as_ref().filter(|bound| breaks(bound, Ordering::Greater)) {
            let words = if bound.exclusive { "less than" } else { "less than or equal to" };
            errors.push(refusal(place, &value, &format!("should be {words} {}", bound.number)));
        }
        if let Some(bound) = rules.minimum.as_ref().filter(|bound| breaks(bound, Ordering::Less)) {
            let words = if bound.exclusive { "greater than" } else { "greater than or equal to" };
            errors.push(refusal(place, &value, &format!("should be {words} {}", bound.number)));
        }
    }

    fn check_list(&self, items: &[Value], old: Option<&Value>, place: &str, errors: &mut Vec<Error>) {
        if let Some(schema) = &self.items {
            let stored = old.and_then(|old| StoredItems::of(self, old));
            for (index, item) in items.iter().enumerate() {
                let old = stored.as_ref().and_then(|stored| stored.find(item));
                schema.visit(item, old, &format!("{place}[{index}]"), errors);
            }
        }
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.rules.min_items.filter(|limit| count < *limit) {
            errors.push(refusal(place, &count.into(), &format!("should have at least {limit} items")));
        }
        if let Some(limit) = self.rules.max_items.filter(|limit| count > *limit) {
            errors.push(too_many(place, count, limit));
        }
        self.check_duplicates(items, place, errors);
    }

    /// In a set no item, and in a list of type map no key, stands twice.
    fn check_duplicates(&self, items: &[Value], place: &str, errors: &mut Vec<Error>) {
        let key = |item: &Value| match &self.list_type {
            Some(ListType::Set) => Some(item.clone()),
            Some(ListType::Map(keys)) => {
                let field = |key: &String| Some((key.clone(), item.get(key)?.clone()));
                Some(keys.iter().filter_map(field).collect::<Map<_, _>>().into())
            }
            _ => None,
        };
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let Some(key) = key(item) else { return };
            if !seen.insert(key.to_string()) {
                errors.push(Error::duplicate(Path::new(&format!("{place}[{index}]")), &key));
            }
        }
    }

    fn check_object(
        &self,
        fields: &Map<String, Value>,
        old: Option<&Value>,
        place: &str,
        errors: &mut Vec<Error>,
    ) {
        let count = u64::try_from(fields.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.rules.min_properties.filter(|limit| count < *limit) {
            errors.push(refusal(place, &count.into(), &format!("should have at least {limit} properties")));
        }
        if let Some(limit) = self.rules.max_properties.filter(|limit| count > *limit) {
            errors.push(too_many(place, count, limit));
        }
        for (name, value) in fields {
            if let Some(schema) = self.value_of(name) {
                // Stored and new object are of one version and kind, whatever was sent.
                let of_type = place.is_empty() && matches!(name.as_str(), "apiVersion" | "kind");
                let old = old.filter(|_| !of_type).and_then(|old| old.get(name));
                schema.visit(value, old, &below(place, name), errors);
            }
        }
        for name in self.rules.required.iter().filter(|name| !fields.contains_key(*name)) {
            errors.push(Error::required(Path::new(&below(place, name)), ""));
        }
    }

    fn check_logic(&self, value: &Value, place: &str, errors: &mut Vec<Error>) {
        let rules = &self.rules;
        let verdict = |schema: &Self| {
            let mut found = Vec::new();
            schema.visit(value, None, place, &mut found);
            found
        };
        // These stand at the whole object, wherever the value is.
        let mut refuse = |what: &str| {
            let why = format!("\"{place}\" must {what}");
            errors.push(Error::invalid(Path::new("<nil>"), &Value::from(""), &why));
        };
        let mut why = Vec::new();
        if !rules.any_of.is_empty() {
            let verdicts: Vec<Vec<Error>> = rules.any_of.iter().map(verdict).collect();
            if !verdicts.iter().any(Vec::is_empty) {
                refuse("validate at least one schema (anyOf)");
                why.extend(verdicts.into_iter().min_by_key(Vec::len).unwrap_or_default());
            }
        }
        if !rules.one_of.is_empty() {
            let verdicts: Vec<Vec<Error>> = rules.one_of.iter().map(verdict).collect();
            match verdicts.iter().filter(|errors| errors.is_empty()).count() {
                0 => {
                    refuse("validate one and only one schema (oneOf). Found none valid");
                    why.extend(verdicts.into_iter().min_by_key(Vec::len).unwrap_or_default());
                }
                1 => {}
                _ => {
                    let valid = verdicts.iter().filter(|errors| errors.is_empty()).count();
                    refuse(&format!(
                        "validate one and only one schema (oneOf). Found {valid} valid alternatives"
                    ));
                }
            }
        }
        if !rules.all_of.is_empty() {
            let found: Vec<Error> = rules.all_of.iter().flat_map(verdict).collect();
            if !found.is_empty() {
                refuse("validate all the schemas (allOf)");
                why.extend(found);
            }
        }
        if rules.not.as_ref().is_some_and(|schema| verdict(schema).is_empty()) {
            refuse("not validate the schema (not)");
        }
        errors.extend(why);
    }
}

/// `<place> in body <what>`, as kube-openapi has it.
fn refusal(place: &str, value: &Value, what: &str) -> Error {
    Error::invalid(Path::new(place), value, &format!("{place} in body {what}"))
}

fn too_many(place: &str, count: u64, limit: u64) -> Error {
    let message = format!("Too many: {count}: must have at most {limit} items");
    Error { path: Path::new(place), cause: Cause::TooMany, message }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a number of type integer fits into its format.
fn fits_format(number: &Number, format: Option<&str>) -> bool {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "within the bounds, and without a fraction")]
    let whole = || float().filter(|float| float.abs() < 9.2e18).map(|float| i128::from(float as i64));
    let value = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).or_else(whole);
    value.is_some_and(|value| match format {
        Some("int32") => i32::try_from(value).is_ok(),
        Some("uint32") => u32::try_from(value).is_ok(),
        Some("uint64") => u64::try_from(value).is_ok(),
        _ => i64::try_from(value).is_ok(),
    })
}

fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    match (number.as_i64(), factor.as_i64()) {
        (Some(number), Some(factor)) => number.checked_rem(factor).is_none_or(|rest| rest == 0),
        _ => match (number.as_f64(), factor.as_f64()) {
            (Some(number), Some(factor)) if factor != 0.0 => (number / factor).fract() == 0.0,
            _ => true,
        },
    }
}

/// Whether a text has one of the formats that are checked; any text has any other.
fn has_format(text: &str, format: &str) -> bool {
    match format {
        "date-time" | "datetime" => time::parse(text, Precision::Seconds).is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == "2006-01-02".len(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
