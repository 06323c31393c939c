//! Runs a plan, and spends what each step costs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{Attribute, Call, Fold, Key, Plan, Qualifier, Root, is_accumulator};
use super::runtime_cost;
use crate::error::{Budget, Error, no_such_overload};
use crate::library::pattern;
use crate::mutation;
use crate::types::Type;
use crate::value::{self, List, Map, Object, Value};
use crate::variables::Variables;

/// The names that a step may use: the variables of the expression, and those of the loops around the step.
pub(crate) enum Scope<'s> {
    /// None at all, for constants.
    Empty,
    /// Those of the expression.
    Variables(&'s dyn Variables),
    /// One of a loop.
    Local { parent: &'s Scope<'s>, name: &'s str, value: RefCell<Outcome> },
    /// The accumulator of a loop, whose first value is worked out when it is first asked for.
    Accumulator { parent: &'s Scope<'s>, name: &'s str, init: &'s Plan, value: RefCell<Option<Outcome>> },
}

/// What a step yields.
type Outcome = Result<Value, Error>;

impl Scope<'_> {
    pub(crate) fn empty() -> Self {
        Self::Empty
    }

    /// The variable; `None` when there is none of this name.
    fn find(&self, wanted: &str, budget: &mut Budget) -> Option<Outcome> {
        match self {
            Self::Empty => None,
            Self::Variables(variables) => variables.get(wanted.trim_start_matches('.'), budget),
            Self::Local { name, value, .. } if *name == wanted => Some(value.borrow().clone()),
            Self::Accumulator { parent, name, init, value } if *name == wanted => {
                let known = value.borrow().clone();
                Some(known.unwrap_or_else(|| {
                    let first = run(init, parent, budget);
                    *value.borrow_mut() = Some(first.clone());
                    first
                }))
            }
            Self::Local { parent, .. } | Self::Accumulator { parent, .. } => parent.find(wanted, budget),
        }
    }

    /// A field of a variable whose fields are worked out one by one; `None` for other variables.
    fn find_field(&self, wanted: &str, field: &str, budget: &mut Budget) -> Option<Outcome> {
        match self {
            Self::Empty => None,
            Self::Variables(variables) => variables.field(wanted.trim_start_matches('.'), field, budget),
            Self::Local { name, .. } | Self::Accumulator { name, .. } if *name == wanted => None,
            Self::Local { parent, .. } | Self::Accumulator { parent, .. } => {
                parent.find_field(wanted, field, budget)
            }
        }
    }

    /// Takes the accumulator's value out, so that it can be added to in place; it is set anew right after.
    fn take_accumulator(&self) -> Option<Outcome> {
        match self {
            Self::Accumulator { name: "@result", value, .. } => value.borrow_mut().take(),
            Self::Local { parent, .. } | Self::Accumulator { parent, .. } => parent.take_accumulator(),
            _ => None,
        }
    }
}

/// Runs a step.
///
/// # Errors
/// What the expression fails with.
pub(crate) fn run(plan: &Plan, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    match plan {
        Plan::Constant(value) => Ok(value.clone()),
        Plan::Attribute(attribute) => {
            let outcome = resolve(attribute, scope, budget);
            if !matches!(attribute.root, Root::Conditional(_)) {
                budget.spend(1)?;
            }
            outcome
        }
        Plan::Has(attribute) => has(attribute, scope, budget),
        Plan::And(left, right) => logical(left, right, false, scope, budget),
        Plan::Or(left, right) => logical(left, right, true, scope, budget),
        Plan::Equals(left, right) => equality(left, right, true, scope, budget),
        Plan::NotEquals(left, right) => equality(left, right, false, scope, budget),
        Plan::Call(call) => self::call(call, scope, budget),
        Plan::Member(element, Value::List(list)) => {
            let element = run(element, scope, budget)?;
            Ok(Value::Bool(list.items.iter().any(|item| item.equals(&element))))
        }
        Plan::Member(..) => Err(Error::new("no such overload")),
        Plan::OptionalOr(left, right, value) => match run(left, scope, budget)? {
            Value::Optional(Some(inner)) if *value => Ok((*inner).clone()),
            Value::Optional(None) => run(right, scope, budget),
            other => Ok(other),
        },
        Plan::List(elements) => list(elements, scope, budget),
        Plan::Map(entries) => map(entries, scope, budget),
        Plan::Struct(name, fields) => message(name, fields, scope, budget),
        Plan::Fold(fold) => self::fold(fold, scope, budget),
    }
}

/// The attribute's value, without the cost of its root.
fn resolve(attribute: &Attribute, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let (value, qualifiers) = root(attribute, scope, budget)?;
    let (value, optional) = qualify_all(value, qualifiers, scope, budget)?;
    Ok(if optional { Value::some(value) } else { value })
}

/// The value at which the attribute begins, and the qualifiers that are left to apply.
fn root<'a>(
    attribute: &'a Attribute,
    scope: &Scope<'_>,
    budget: &mut Budget,
) -> Result<(Value, &'a [Qualifier]), Error> {
    let qualifiers = attribute.qualifiers.as_slice();
    let value = match &attribute.root {
        Root::Variable(name) => {
            if let Some((Qualifier { key: Key::Constant(Value::String(field)), optional: false }, rest)) =
                qualifiers.split_first()
                && let Some(outcome) = scope.find_field(name, field, budget)
            {
                budget.spend(1)?;
                return Ok((outcome?, rest));
            }
            let found = scope.find(name, budget);
            found.unwrap_or_else(|| Err(Error::new(format!("no such attribute(s): {name}"))))?
        }
        Root::Value(plan) => run(plan, scope, budget)?,
        Root::Conditional(parts) => {
            let (condition, yes, no) = parts.as_ref();
            match run(condition, scope, budget)? {
                Value::Bool(true) => branch(yes, scope, budget)?,
                Value::Bool(false) => branch(no, scope, budget)?,
                _ => return Err(Error::new("no such overload")),
            }
        }
    };
    Ok((value, qualifiers))
}

/// The branch of a conditional, or an index: an attribute there costs its qualifiers alone.
fn branch(plan: &Plan, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    match plan {
        Plan::Attribute(attribute) => resolve(attribute, scope, budget),
        other => run(other, scope, budget),
    }
}

/// Applies qualifiers, and says whether the result is optional. An absent optional is the value `NONE`.
fn qualify_all(
    mut value: Value,
    qualifiers: &[Qualifier],
    scope: &Scope<'_>,
    budget: &mut Budget,
) -> Result<(Value, bool), Error> {
    let mut optional = false;
    if qualifiers.is_empty() {
        return Ok((value, false));
    }
    if let Value::Optional(inner) = &value {
        let Some(inner) = inner else { return Ok((value, false)) };
        value = (**inner).clone();
        optional = true;
    }
    for qualifier in qualifiers {
        optional |= qualifier.optional;
        if optional {
            let key = key(qualifier, scope, budget)?;
            let Some(found) = look_up(&value, &key)? else { return Ok((Value::NONE, false)) };
            budget.spend(1)?;
            value = found;
        } else {
            let found = key(qualifier, scope, budget)
                .and_then(|key| look_up(&value, &key)?.map_or_else(|| missing(&value, &key), Ok));
            budget.spend(1)?;
            value = found?;
        }
    }
    Ok((value, optional))
}

fn key(qualifier: &Qualifier, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    match &qualifier.key {
        Key::Constant(value) => Ok(value.clone()),
        Key::Computed(plan) => branch(plan, scope, budget),
    }
}

/// What stands under a key; `None` when nothing does.
fn look_up(value: &Value, key: &Value) -> Result<Option<Value>, Error> {
    match value {
        Value::Map(map) => {
            if key.key().is_none() {
                return Err(Error::new("no such overload"));
            }
            Ok(value::find(map, key).cloned())
        }
        Value::List(list) => {
            let index = index(key)?;
            Ok(usize::try_from(index).ok().and_then(|index| list.items.get(index)).cloned())
        }
        Value::Object(object) => match key {
            Value::String(name) => {
                // A reserved word may be written as it stands.
                let reserved = || object.fields.get(&format!("__{name}__"));
                Ok(object.fields.get(&**name).or_else(reserved).cloned())
            }
            _ => Err(Error::new("no such overload")),
        },
        _ => Ok(None),
    }
}

/// An index of a list.
fn index(key: &Value) -> Result<i64, Error> {
    match key {
        Value::Int(index) => Ok(*index),
        Value::Uint(index) => Ok(i64::try_from(*index).unwrap_or(i64::MAX)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only doubles without a fraction and of fitting size"
        )]
        Value::Double(index) if index.fract() == 0.0 && index.abs() < 9e18 => Ok(*index as i64),
        Value::Double(index) => {
            Err(Error::new(format!("unsupported index value {} in list", crate::text::double(*index))))
        }
        other => Err(Error::new(format!("unsupported index type '{}' in list", other.type_name()))),
    }
}

/// What selecting something that is not there yields: the zero value from what mutations make, else an error.
fn missing(value: &Value, key: &Value) -> Outcome {
    match (value, key) {
        (Value::List(_), _) => Err(Error::new(format!("index out of bounds: {key}"))),
        (Value::Object(object), Value::String(field)) if mutation::is_mutation(&object.message) => {
            let text = &*object.message == mutation::JSON_PATCH && &**field != "value";
            Ok(if text { Value::string("") } else { Value::Null })
        }
        _ => Err(Error::new(format!("no such key: {key}"))),
    }
}

fn has(attribute: &Attribute, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let (value, qualifiers) = root(attribute, scope, budget)?;
    let Some((last, before)) = qualifiers.split_last() else { return Ok(Value::Bool(true)) };
    let (value, optional) = qualify_all(value, before, scope, budget)?;
    let (value, optional) = match value {
        Value::Optional(Some(inner)) => ((*inner).clone(), true),
        Value::Optional(None) => return Ok(Value::Bool(false)),
        other => (other, optional),
    };
    let found = key(last, scope, budget).and_then(|key| look_up(&value, &key));
    let present = matches!(found, Ok(Some(_)));
    if present || !optional {
        budget.spend(1)?;
    }
    found.map(|found| Value::Bool(found.is_some()))
}

/// `&&` and `||`: a value that decides makes an error on the other side not count.
fn logical(left: &Plan, right: &Plan, decides: bool, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let mut failed = None;
    for side in [left, right] {
        match run(side, scope, budget) {
            Ok(Value::Bool(flag)) if flag == decides => return Ok(Value::Bool(decides)),
            Ok(Value::Bool(_)) => {}
            Err(Error::CostExceeded) => return Err(Error::CostExceeded),
            Ok(_) => failed = failed.or_else(|| Some(Error::new("no such overload"))),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(Value::Bool(!decides)), Err)
}

fn equality(left: &Plan, right: &Plan, equal: bool, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let sides = [run(left, scope, budget), run(right, scope, budget)];
    if sides.iter().any(|side| matches!(side, Err(Error::CostExceeded))) {
        return Err(Error::CostExceeded);
    }
    budget.spend(runtime_cost::equality(&sides, equal))?;
    let [left, right] = sides;
    Ok(Value::Bool(left?.equals(&right?) == equal))
}

fn call(call: &Call, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(call.args.len());
    // Functions of three arguments and more stop at the first that fails, and cost nothing then.
    let stops = call.args.len() > 2;
    for (position, arg) in call.args.iter().enumerate() {
        let outcome = run(arg, scope, budget);
        match &outcome {
            Err(Error::CostExceeded) => return Err(Error::CostExceeded),
            Err(error) if stops && position + 1 < call.args.len() => return Err(error.clone()),
            _ => outcomes.push(outcome),
        }
    }
    let failed = outcomes.iter().find_map(|outcome| outcome.as_ref().err().cloned());
    let result = match failed {
        // The one function that takes errors: they are not false.
        Some(_) if call.function.name == "@not_strictly_false" => Ok(Value::Bool(true)),
        Some(error) => Err(error),
        None => {
            let gathers = matches!(call.function.name, "_+_" | "cel.@mapInsert")
                && call.args.first().is_some_and(is_accumulator);
            let cost = gathers.then(|| runtime_cost::call(call, &outcomes, &Ok(Value::Null)));
            let mut args: Vec<Value> = outcomes.drain(..).flatten().collect();
            if let Some(cost) = cost {
                let result = gather(&mut args, scope).unwrap_or_else(|| invoke(call, &args, budget));
                budget.spend(cost)?;
                return result;
            }
            let result = invoke(call, &args, budget);
            outcomes.extend(args.into_iter().map(Ok));
            result
        }
    };
    if matches!(result, Err(Error::CostExceeded)) {
        return result;
    }
    budget.spend(runtime_cost::call(call, &outcomes, &result))?;
    result
}

/// Adds to the accumulator of the loop around, in place: a thousand elements take a thousand steps, not half a million.
/// `None` when it is neither a list nor a map.
fn gather(args: &mut Vec<Value>, scope: &Scope<'_>) -> Option<Outcome> {
    let fits = matches!(
        args.as_slice(),
        [Value::List(_), Value::List(_)] | [Value::Map(_), Value::Map(_)] | [Value::Map(_), _, _]
    );
    if !fits {
        return None;
    }
    // Its value is set anew right after; till then no one else holds it, so that it need not be copied.
    drop(scope.take_accumulator());
    match (args.remove(0), args.as_slice()) {
        (Value::List(mut so_far), [Value::List(more)]) => {
            Arc::make_mut(&mut so_far).join(more);
            Some(Ok(Value::List(so_far)))
        }
        (Value::Map(mut so_far), [Value::Map(more)]) => {
            let inserted = more.iter().try_for_each(|(key, value)| insert(&mut so_far, &key.value(), value));
            Some(inserted.map(|()| Value::Map(so_far)))
        }
        (Value::Map(mut so_far), [key, value]) => {
            Some(insert(&mut so_far, key, value).map(|()| Value::Map(so_far)))
        }
        _ => Some(Err(Error::new("no such overload"))),
    }
}

/// Puts an entry into a map under construction; a key that is there already is an error.
fn insert(map: &mut Arc<Map>, key: &Value, value: &Value) -> Result<(), Error> {
    let known = value::find(map, key).is_some();
    if known {
        return Err(Error::new(format!("insert failed: key {key} already exists")));
    }
    let key = key.key().ok_or_else(|| Error::new(format!("unsupported key type: {}", key.type_name())))?;
    Arc::make_mut(map).insert(key, value.clone());
    Ok(())
}

fn invoke(call: &Call, args: &[Value], budget: &mut Budget) -> Outcome {
    let function = call.function;
    if function.guarded {
        let fits = function.overloads.iter().any(|overload| {
            call.overload.is_none_or(|id| id == overload.id)
                && overload.params.len() == args.len()
                && overload.params.iter().zip(args).all(|(param, arg)| fits(param, arg))
        });
        if !fits {
            return Err(no_such_overload(function.name, args));
        }
    }
    match &call.regex {
        Some(regex) => pattern::call(function.name, regex, args),
        None => (function.body)(args, budget),
    }
}

/// Whether a value fits a parameter, as far as a look at it and its first element tells.
fn fits(param: &Type, value: &Value) -> bool {
    match (param, value) {
        (Type::Dyn | Type::Param(_), _) => true,
        (Type::List(element), Value::List(list)) => {
            list.items.first().is_none_or(|first| fits(element, first))
        }
        (Type::Map(key, inner), Value::Map(map)) => {
            map.first_key_value().is_none_or(|(first, value)| fits(key, &first.value()) && fits(inner, value))
        }
        _ => param.name() == value.type_of().name(),
    }
}

fn list(elements: &[(Plan, bool)], scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let outcome =
        elements.iter().try_fold(Vec::with_capacity(elements.len()), |mut items, (element, optional)| {
            let value = run(element, scope, budget)?;
            match value {
                Value::Optional(inner) if *optional => items.extend(inner.map(|inner| (*inner).clone())),
                value if *optional => {
                    let message =
                        format!("cannot initialize optional list element from non-optional value {value}");
                    return Err(Error::new(message));
                }
                value => items.push(value),
            }
            Ok(items)
        });
    spend_on(outcome, runtime_cost::LIST, budget).map(Value::list)
}

fn map(entries: &[(Plan, Plan, bool)], scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let outcome = entries.iter().try_fold(Map::new(), |mut map, (key, value, optional)| {
        let key = run(key, scope, budget)?;
        let value = run(value, scope, budget)?;
        let place =
            key.key().ok_or_else(|| Error::new(format!("unsupported key type: {}", key.type_name())))?;
        match value {
            Value::Optional(Some(inner)) if *optional => {
                map.insert(place, (*inner).clone());
            }
            Value::Optional(None) if *optional => {
                map.remove(&place);
            }
            value if *optional => {
                let message =
                    format!("cannot initialize optional entry '{key}' from non-optional value {value}");
                return Err(Error::new(message));
            }
            value => {
                map.insert(place, value);
            }
        }
        Ok(map)
    });
    spend_on(outcome, runtime_cost::MAP, budget).map(Value::map)
}

fn message(
    name: &Arc<str>,
    fields: &[(String, Plan, bool)],
    scope: &Scope<'_>,
    budget: &mut Budget,
) -> Outcome {
    let outcome = fields.iter().try_fold(BTreeMap::new(), |mut set, (field, value, optional)| {
        match run(value, scope, budget)? {
            Value::Optional(Some(inner)) if *optional => {
                set.insert(field.clone(), (*inner).clone());
            }
            Value::Optional(None) if *optional => {
                set.remove(field);
            }
            value if *optional => {
                let message =
                    format!("cannot initialize optional entry '{field}' from non-optional value {value}");
                return Err(Error::new(message));
            }
            value => {
                set.insert(field.clone(), value);
            }
        }
        Ok(set)
    });
    let fields = spend_on(outcome, runtime_cost::MESSAGE, budget)?;
    if !mutation::is_mutation(name) {
        // The messages of requests are known to the checker, and cannot be made.
        return Err(Error::new(format!("unknown type '{name}'")));
    }
    Ok(Value::Object(Arc::new(Object { message: Arc::clone(name), fields })))
}

/// Spends for a constructor, also for one that failed.
fn spend_on<T>(outcome: Result<T, Error>, cost: u64, budget: &mut Budget) -> Result<T, Error> {
    if !matches!(outcome, Err(Error::CostExceeded)) {
        budget.spend(cost)?;
    }
    outcome
}

fn fold(fold: &Fold, scope: &Scope<'_>, budget: &mut Budget) -> Outcome {
    let range = run(&fold.range, scope, budget)?;
    let accumulator = Scope::Accumulator {
        parent: scope,
        name: &fold.accumulator,
        init: &fold.init,
        value: RefCell::new(None),
    };
    let first =
        Scope::Local { parent: &accumulator, name: &fold.variable, value: RefCell::new(Ok(Value::Null)) };
    let second = fold.second.as_ref().map(|name| Scope::Local {
        parent: &first,
        name,
        value: RefCell::new(Ok(Value::Null)),
    });
    let innermost = second.as_ref().unwrap_or(&first);
    let mut step = |one: Value, two: Option<Value>| -> Result<bool, Error> {
        set(&first, one);
        if let (Some(scope), Some(two)) = (&second, two) {
            set(scope, two);
        }
        match run(&fold.condition, innermost, budget) {
            Ok(Value::Bool(false)) => return Ok(false),
            Err(Error::CostExceeded) => return Err(Error::CostExceeded),
            _ => {}
        }
        let outcome = run(&fold.step, innermost, budget);
        if matches!(outcome, Err(Error::CostExceeded)) {
            return Err(Error::CostExceeded);
        }
        if let Scope::Accumulator { value, .. } = &accumulator {
            *value.borrow_mut() = Some(outcome);
        }
        Ok(true)
    };
    let pairs = fold.second.is_some();
    match &range {
        Value::List(list) => iterate(list, pairs, &mut step)?,
        Value::Map(map) => {
            for (key, value) in map.iter() {
                if !step(key.value(), pairs.then(|| value.clone()))? {
                    break;
                }
            }
        }
        other if pairs => {
            let message = format!("unsupported comprehension range type: {}", go_type(other));
            return Err(Error::new(message));
        }
        other => return Err(Error::new(format!("got '{}', expected iterable type", go_type(other)))),
    }
    run(&fold.result, &accumulator, budget)
}

fn iterate(
    list: &List,
    pairs: bool,
    step: &mut impl FnMut(Value, Option<Value>) -> Result<bool, Error>,
) -> Result<(), Error> {
    for (index, item) in list.items.iter().enumerate() {
        let goes_on = if pairs {
            step(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)), Some(item.clone()))?
        } else {
            step(item.clone(), None)?
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

fn set(scope: &Scope<'_>, new: Value) {
    if let Scope::Local { value, .. } = scope {
        *value.borrow_mut() = Ok(new);
    }
}

/// The name of the type by which Kubernetes' errors call a value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "types.Null",
        Value::Bool(_) => "types.Bool",
        Value::Int(_) => "types.Int",
        Value::Uint(_) => "types.Uint",
        Value::Double(_) => "types.Double",
        Value::String(_) => "types.String",
        Value::Bytes(_) => "types.Bytes",
        Value::Timestamp(_) => "types.Timestamp",
        Value::Duration(_) => "types.Duration",
        Value::Optional(_) => "*types.Optional",
        Value::Type(_) => "*types.Type",
        Value::List(_) | Value::Map(_) | Value::Object(_) | Value::Opaque(_) => "ref.Val",
    }
}
