//! What the rules of a schema say of an object, within a budget.

use std::collections::BTreeMap;

use podsec_apimachinery::field::{Error, Path};
use podsec_cel::{Budget, Program, Value as Cel, limits, schema};
use serde_json::Value;

use super::correlation::{Correlation, Keyed, Pair};
use super::rule::Rule;
use super::validator::Validator;
use crate::object::Fields;

/// What is wrong with an object.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// What it is refused for.
    pub(crate) errors: Vec<Error>,
    /// What was wrong with the stored object already: who sends the new one is warned.
    pub(crate) warnings: Vec<String>,
}

/// Holds an object against the rules of its schema. `old` is the stored object, if there is one.
pub(crate) fn judge(validator: &Validator, schema: &Value, object: &Value, old: Option<&Value>) -> Judgement {
    let mut run = Run { remaining: limits::PER_OBJECT, judgement: Judgement::default() };
    let pair = old.map(|old| Pair::new(object, old, schema));
    let place = Place {
        path: Path::default(),
        schema,
        value: object,
        old,
        correlation: Correlation::root(pair.as_ref()),
    };
    // Where it stopped, it has said why.
    let _ = run.node(validator, &place);
    run.judgement
}

/// Nothing more is evaluated; why is among the errors.
struct Stop;

struct Run {
    /// What may still be spent.
    remaining: u64,
    judgement: Judgement,
}

/// A value and where it stands.
struct Place<'a> {
    path: Path,
    schema: &'a Value,
    value: &'a Value,
    old: Option<&'a Value>,
    correlation: Correlation<'a>,
}

impl Place<'_> {
    /// The path as Kubernetes shows it: the root has none.
    fn shown_path(&self) -> Path {
        if self.path == Path::default() { Path::new("<nil>") } else { self.path.clone() }
    }

    /// An error that shows the type in place of the value.
    fn error(&self, why: &str) -> Error {
        Error::invalid(self.shown_path(), &self.schema.text("type").into(), why)
    }
}

impl Run {
    fn node(&mut self, validator: &Validator, place: &Place<'_>) -> Result<(), Stop> {
        // Whether a value may be null is for the schema, and for the rules above it.
        if place.value.is_null() {
            return Ok(());
        }
        self.own(validator, place)?;
        for validator in &validator.all_of {
            let correlation = place.correlation.of_all_of();
            self.node(validator, &Place { path: place.path.clone(), correlation, ..*place })?;
        }
        match place.value {
            Value::Array(items) => self.items(validator, items, place),
            Value::Object(_) => {
                let values = place.schema.at("additionalProperties");
                for (name, value) in place.value.as_object().into_iter().flatten() {
                    if let Some(validator) = &validator.values {
                        self.field(validator, place, place.path.key(name), (name, value, values))?;
                    }
                }
                for (name, value) in place.value.as_object().into_iter().flatten() {
                    if let Some(validator) = validator.properties.get(name) {
                        let schema = place.schema.at("properties").at(name);
                        self.field(validator, place, place.path.child(name), (name, value, schema))?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn field(
        &mut self,
        validator: &Validator,
        above: &Place<'_>,
        path: Path,
        (name, value, schema): (&str, &Value, &Value),
    ) -> Result<(), Stop> {
        let pair = above.correlation.field(name);
        let place = Place {
            path,
            schema,
            value,
            old: above.old.and_then(|old| old.field(name)),
            correlation: above.correlation.below(name, pair.as_ref()),
        };
        self.node(validator, &place)
    }

    fn items(&mut self, validator: &Validator, items: &[Value], above: &Place<'_>) -> Result<(), Stop> {
        let Some(validator) = &validator.items else { return Ok(()) };
        let schema = above.schema.at("items");
        let stored = above.old.and_then(|old| Keyed::of(above.schema, old));
        for (index, value) in items.iter().enumerate() {
            let old = stored.as_ref().and_then(|stored| stored.find(value));
            let pair = above.correlation.item(value, old);
            let place = Place {
                path: above.path.index(index),
                schema,
                value,
                old,
                correlation: above.correlation.below("", pair.as_ref()),
            };
            self.node(validator, &place)?;
        }
        Ok(())
    }

    /// The rules of the node itself.
    fn own(&mut self, validator: &Validator, place: &Place<'_>) -> Result<(), Stop> {
        let rules = match &validator.own {
            Ok(rules) => rules,
            Err(why) => {
                self.refuse(place.error(&format!("rule compiler initialization error: {why}")))?;
                return Ok(());
            }
        };
        if rules.is_empty() {
            return Ok(());
        }
        if self.remaining == 0 {
            return self.out_of_budget(place);
        }
        let mut variables = Variables { values: None };
        for rule in rules {
            self.rule(rule, rules, place, &mut variables)?;
        }
        Ok(())
    }

    fn rule(
        &mut self,
        rule: &Rule,
        rules: &[Rule],
        place: &Place<'_>,
        variables: &mut Variables,
    ) -> Result<(), Stop> {
        let program = match &rule.program {
            Ok(Some(program)) => program,
            Ok(None) => return Ok(()),
            Err(why) => return self.refuse(place.error(&format!("rule compile error: {why}"))),
        };
        let name = &rule.words.name;
        if rule.uses_old_self && place.old.is_none() && !rule.words.optional_old_self {
            return Ok(());
        }
        let outcome = match variables.of(place, rules) {
            Err(error) => Err(error.clone()),
            Ok(values) => {
                let values = if rule.words.optional_old_self { &values.optional } else { &values.plain };
                let (outcome, spent) = self.evaluate(program, values);
                let Some(remaining) = self.remaining.checked_sub(spent) else {
                    return self.out_of_budget(place);
                };
                self.remaining = remaining;
                outcome
            }
        };
        match outcome {
            Ok(Cel::Bool(true)) => Ok(()),
            Ok(_) => self.refused(rule, rules, place, variables),
            Err(podsec_cel::Error::CostExceeded) => {
                let why = podsec_cel::Error::CostExceeded;
                self.refuse(place.error(&format!(
                    "'{why}': no further validation rules will be run due to call cost exceeds limit for rule: {name}"
                )))?;
                Err(Stop)
            }
            Err(why) if why.to_string().starts_with("no such overload") => self
                .refuse(place.error(&format!(
                "'{why}': call arguments did not match a supported operator, function or macro signature for \
                     rule: {name}"
            ))),
            Err(why) => self.refuse(place.error(&format!("{why} evaluating rule: {name}"))),
        }
    }

    fn evaluate(
        &self,
        program: &Program,
        values: &BTreeMap<String, Cel>,
    ) -> (Result<Cel, podsec_cel::Error>, u64) {
        let limit = limits::PER_CALL.min(self.remaining);
        let mut budget = Budget::new(limit);
        let outcome = program.evaluate(values, &mut budget);
        let over = matches!(outcome, Err(podsec_cel::Error::CostExceeded)) && limit < limits::PER_CALL;
        let spent = if over { self.remaining.saturating_add(1) } else { budget.spent() };
        (outcome, spent)
    }

    /// A rule has said no: says why.
    fn refused(
        &mut self,
        rule: &Rule,
        rules: &[Rule],
        place: &Place<'_>,
        variables: &mut Variables,
    ) -> Result<(), Stop> {
        let path = if rule.words.field.is_empty() {
            place.shown_path()
        } else {
            place.path.child(&rule.words.field)
        };
        let mut detail = None;
        if let Some(Ok(program)) = &rule.message
            && let Ok(values) = variables.of(place, rules)
        {
            let (outcome, spent) = self.evaluate(program, &values.plain);
            let stopped = match (self.remaining.checked_sub(spent), &outcome) {
                (None, _) => Some(
                    "messageExpression evaluation failed due to running out of cost budget, no further validation \
                     rules will be run"
                        .to_owned(),
                ),
                (_, Err(podsec_cel::Error::CostExceeded)) => Some(format!(
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: \
                     {}",
                    podsec_apimachinery::quote::quoted(&rule.words.expression)
                )),
                (Some(remaining), _) => {
                    self.remaining = remaining;
                    None
                }
            };
            if let Some(why) = stopped {
                let error = Error::invalid(path, &place.schema.text("type").into(), &why);
                self.add(error, rule, place)?;
                return Err(Stop);
            }
            if let Ok(Cel::String(text)) = outcome {
                let text = text.trim();
                let fits = !text.is_empty() && text.len() <= MESSAGE_BYTES && !text.contains('\n');
                detail = fits.then(|| text.to_owned());
            }
        }
        let detail = detail.unwrap_or_else(|| rule.words.message.clone());
        let hidden = matches!(place.schema.text("type"), "object" | "array");
        let error = match rule.words.reason.as_str() {
            "FieldValueForbidden" => Error::forbidden(path, &detail),
            "FieldValueRequired" => Error::required(path, &detail),
            "FieldValueDuplicate" if hidden => Error::duplicate_json(path, ""),
            "FieldValueDuplicate" => Error::duplicate(path, place.value),
            _ if hidden => Error::invalid_json(path, "", &detail),
            _ => Error::invalid(path, place.value, &detail),
        };
        self.add(error, rule, place)
    }

    /// An error about what is new, a warning about what has been so before.
    fn add(&mut self, error: Error, rule: &Rule, place: &Place<'_>) -> Result<(), Stop> {
        if !rule.uses_old_self && place.correlation.is_unchanged() {
            if self.judgement.warnings.len() < MOST_WARNINGS {
                self.judgement.warnings.push(error.to_string());
            }
            return Ok(());
        }
        self.refuse(error)
    }

    fn refuse(&mut self, error: Error) -> Result<(), Stop> {
        self.judgement.errors.push(error);
        if self.judgement.errors.len() < MOST {
            return Ok(());
        }
        let why = format!("more than {MOST} errors, no further validation rules will be run");
        self.judgement.errors.push(Error::internal(Path::new("<nil>"), &why));
        Err(Stop)
    }

    fn out_of_budget(&mut self, place: &Place<'_>) -> Result<(), Stop> {
        self.refuse(place.error(
            "validation failed due to running out of cost budget, no further validation rules will be run",
        ))?;
        Err(Stop)
    }
}

/// The variables of the rules of one place, made when the first rule wants them.
struct Variables {
    values: Option<Result<Values, podsec_cel::Error>>,
}

struct Values {
    plain: BTreeMap<String, Cel>,
    /// For rules whose stored value is optional.
    optional: BTreeMap<String, Cel>,
}

impl Variables {
    fn of(&mut self, place: &Place<'_>, rules: &[Rule]) -> Result<&Values, &podsec_cel::Error> {
        self.values.get_or_insert_with(|| Values::of(place, rules)).as_ref()
    }
}

impl Values {
    fn of(place: &Place<'_>, rules: &[Rule]) -> Result<Self, podsec_cel::Error> {
        let of = |value: &Value| schema::value(value, place.schema);
        let mut plain = BTreeMap::from([("self".to_owned(), of(place.value)?)]);
        let mut optional = plain.clone();
        if rules.iter().any(|rule| rule.uses_old_self) {
            let old = place.old.map(of).transpose()?;
            optional.insert("oldSelf".to_owned(), old.clone().map_or(Cel::NONE, Cel::some));
            plain.extend(old.map(|old| ("oldSelf".to_owned(), old)));
        }
        Ok(Self { plain, optional })
    }
}

/// The longest message that an expression may make.
const MESSAGE_BYTES: usize = 5 * 1024;
/// More errors of rules than this nobody is told.
const MOST: usize = 10_000;
/// More warnings than a client takes note of.
const MOST_WARNINGS: usize = 1_000;
