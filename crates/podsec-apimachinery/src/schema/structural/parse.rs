//! From the JSON of an `openAPIV3Schema` to a [`Structural`], or what is wrong with it.

use serde_json::{Map, Value};

use super::pattern::{Pattern, Patterns, Refusal};
use super::schema::{Bound, Rules, Structural, Type};
use crate::field::{Error, Path};
use crate::patch::schema::{ListType, MapType};

impl Structural {
    /// Reads the schema of a kind, which stands at `path` of its definition. The versions of one definition share
    /// their `patterns`.
    ///
    /// # Errors
    /// All that keeps it from being structural, in Kubernetes' words.
    pub fn parse(schema: &Value, path: &Path, patterns: &mut Patterns) -> Result<Self, Vec<Error>> {
        let mut parser = Parser { errors: Vec::new(), patterns };
        let parsed = parser.schema(schema, path, Place::Root);
        if parser.errors.is_empty() { Ok(parsed) } else { Err(parser.errors) }
    }
}

/// Where a schema stands, which decides what it must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    Field,
    Item,
    /// Below `allOf`, `anyOf`, `oneOf` or `not`: rules for a value that is declared elsewhere.
    Logic,
}

struct Parser<'p> {
    errors: Vec<Error>,
    patterns: &'p mut Patterns,
}

impl Parser<'_> {
    fn schema(&mut self, schema: &Value, path: &Path, place: Place) -> Structural {
        let Value::Object(schema) = schema else {
            self.errors.push(Error::required(path.clone(), "must be a schema"));
            return Structural::default();
        };
        self.forbid(schema, path, place);
        let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or_default();
        let mut parsed = Structural {
            kind: self.kind(schema, path, place),
            nullable: flag("nullable"),
            preserves_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            default: schema.get("default").filter(|default| !default.is_null()).cloned(),
            list_type: list_type(schema),
            map_type: map_type(schema),
            rules: self.rules(schema, path),
            ..Structural::default()
        };
        let inner = |place, normal| if place == Place::Logic { Place::Logic } else { normal };
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = path.child("properties").key(name);
            parsed.properties.insert(name.clone(), self.schema(property, &path, inner(place, Place::Field)));
        }
        parsed.values = match schema.get("additionalProperties") {
            Some(Value::Bool(true)) => Some(Box::default()),
            Some(values @ Value::Object(_)) => {
                let path = path.child("additionalProperties");
                Some(Box::new(self.schema(values, &path, inner(place, Place::Field))))
            }
            _ => None,
        };
        if let Some(items) = schema.get("items") {
            let items = self.schema(items, &path.child("items"), inner(place, Place::Item));
            parsed.items = Some(Box::new(items));
        } else if parsed.kind == Some(Type::Array) && place != Place::Logic {
            self.errors.push(Error::required(path.child("items"), "must be specified"));
        }
        if let Some(default) = &parsed.default {
            for error in parsed.validate(default) {
                let path = path.child("default");
                let text = error.path.to_string();
                self.errors
                    .push(Error { path: if text.is_empty() { path } else { path.child(&text) }, ..error });
            }
        }
        parsed
    }

    /// The type, which every declared value has.
    fn kind(&mut self, schema: &Map<String, Value>, path: &Path, place: Place) -> Option<Type> {
        let has = |name: &str| schema.get(name) == Some(&Value::Bool(true));
        let name = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        let path = path.child("type");
        let kind = Type::ALL.into_iter().find(|kind| kind.name() == name);
        if kind.is_none() && !name.is_empty() {
            let supported = Type::ALL.map(Type::name);
            self.errors.push(Error::not_supported(path, &Value::from(name), &supported));
            return None;
        }
        let free = has("x-kubernetes-int-or-string") || has("x-kubernetes-preserve-unknown-fields");
        match (place, kind) {
            (Place::Root, None) => {
                self.errors.push(Error::required(path, "must not be empty at the root"));
            }
            (Place::Root, Some(kind)) if kind != Type::Object => {
                self.errors.push(Error::invalid(path, &Value::from(name), "must be object at the root"));
            }
            (Place::Field, None) if !free => {
                let why = "must not be empty for specified object fields";
                self.errors.push(Error::required(path, why));
            }
            (Place::Item, None) if !free => {
                let why = "must not be empty for specified array items";
                self.errors.push(Error::required(path, why));
            }
            _ => {}
        }
        kind
    }

    /// What Kubernetes allows in no schema of a CustomResourceDefinition.
    fn forbid(&mut self, schema: &Map<String, Value>, path: &Path, place: Place) {
        for (field, why) in [
            ("$ref", "$ref is not supported"),
            ("definitions", "definitions is not supported"),
            ("dependencies", "dependencies is not supported"),
            ("patternProperties", "patternProperties is not supported"),
            ("additionalItems", "additionalItems is not supported"),
        ] {
            let said = schema.get(field).is_some_and(|value| match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Object(fields) => !fields.is_empty(),
                _ => true,
            });
            if said {
                self.errors.push(Error::forbidden(path.child(field), why));
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.errors.push(Error::forbidden(path.child("uniqueItems"), why));
        }
        let values = schema.get("additionalProperties");
        let declares = schema.get("properties").and_then(Value::as_object).is_some_and(|map| !map.is_empty());
        if declares && values.is_some_and(|values| !values.is_null()) {
            let why = "additionalProperties and properties are mutual exclusive";
            self.errors.push(Error::forbidden(path.child("additionalProperties"), why));
        }
        if place == Place::Logic && schema.get("default").is_some_and(|default| !default.is_null()) {
            self.errors.push(Error::forbidden(path.child("default"), "must be undefined to be structural"));
        }
    }

    fn rules(&mut self, schema: &Map<String, Value>, path: &Path) -> Rules {
        let count = |name: &str| schema.get(name).and_then(Value::as_u64);
        let number = |name: &str| match schema.get(name) {
            Some(Value::Number(number)) => Some(number.clone()),
            _ => None,
        };
        let bound = |name: &str, exclusive: &str| {
            let exclusive = schema.get(exclusive) == Some(&Value::Bool(true));
            number(name).map(|number| Bound { number, exclusive })
        };
        let required = list(schema, "required").iter().filter_map(Value::as_str).map(str::to_owned);
        let mut logic = |field: &str| -> Vec<Structural> {
            let schemas = list(schema, field).iter().enumerate();
            let place = |index| path.child(field).index(index);
            schemas.map(|(index, schema)| self.schema(schema, &place(index), Place::Logic)).collect()
        };
        let (all_of, any_of, one_of) = (logic("allOf"), logic("anyOf"), logic("oneOf"));
        let not = schema.get("not").filter(|not| !not.is_null());
        let not = not.map(|not| Box::new(self.schema(not, &path.child("not"), Place::Logic)));
        Rules {
            required: required.collect(),
            allowed: schema.get("enum").and_then(Value::as_array).filter(|list| !list.is_empty()).cloned(),
            format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
            pattern: self.pattern(schema, path),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            all_of,
            any_of,
            one_of,
            not,
        }
    }

    fn pattern(&mut self, schema: &Map<String, Value>, path: &Path) -> Option<Pattern> {
        let text = schema.get("pattern").and_then(Value::as_str).filter(|text| !text.is_empty())?;
        let parsed = self.patterns.compile(text);
        if let Err(why) = &parsed {
            let why = match why {
                Refusal::Syntax(why) => format!("must be a valid regular expression, but isn't: {why}"),
                Refusal::TooLarge => why.to_string(),
            };
            self.errors.push(Error::invalid(path.child("pattern"), &Value::from(text), &why));
        }
        parsed.ok()
    }
}

fn list<'a>(schema: &'a Map<String, Value>, field: &str) -> &'a [Value] {
    schema.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn list_type(schema: &Map<String, Value>) -> Option<ListType> {
    Some(match schema.get("x-kubernetes-list-type")?.as_str()? {
        "set" => ListType::Set,
        "map" => {
            let keys = list(schema, "x-kubernetes-list-map-keys").iter().filter_map(Value::as_str);
            ListType::Map(keys.map(str::to_owned).collect())
        }
        _ => ListType::Atomic,
    })
}

fn map_type(schema: &Map<String, Value>) -> Option<MapType> {
    Some(match schema.get("x-kubernetes-map-type")?.as_str()? {
        "atomic" => MapType::Atomic,
        _ => MapType::Granular,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(schema: &Value) -> Vec<String> {
        let parsed = Structural::parse(schema, &Path::new("s"), &mut Patterns::default());
        parsed.err().unwrap_or_default().iter().map(Error::to_string).collect()
    }

    #[test]
    fn what_is_not_structural_is_refused_in_kubernetes_words() {
        assert_eq!(errors(&json!({})), ["s.type: Required value: must not be empty at the root"]);
        assert_eq!(
            errors(&json!({"type": "array", "items": {"type": "string"}})),
            [r#"s.type: Invalid value: "array": must be object at the root"#]
        );
        assert_eq!(
            errors(&json!({"type": "object", "properties": {
                "a": {}, "b": {"type": "array"}, "c": {"type": "text"}, "d": {"type": "array", "items": {}},
            }})),
            [
                "s.properties[a].type: Required value: must not be empty for specified object fields",
                "s.properties[b].items: Required value: must be specified",
                r#"s.properties[c].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string""#,
                "s.properties[d].items.type: Required value: must not be empty for specified array items",
            ]
        );
        assert_eq!(
            errors(&json!({"type": "object", "$ref": "x"})),
            ["s.$ref: Forbidden: $ref is not supported"]
        );
    }

    #[test]
    fn a_default_must_keep_its_own_schema() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}});
        assert!(errors(&schema)[0].starts_with(r#"s.properties[a].default: Invalid value: "string""#));
    }

    #[test]
    fn a_pattern_must_be_a_regular_expression() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}});
        let expected = r#"s.properties[a].pattern: Invalid value: "(": must be a valid regular expression"#;
        assert!(errors(&schema)[0].starts_with(expected));
    }
}
