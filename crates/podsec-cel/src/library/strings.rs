//! Functions on texts: `startsWith`, `substring`, `replace`, `split`, `format`.

use super::arguments::{text, unfit};
use super::{arguments, format_text, lists};
use crate::declaration::{Function, member, overload};
use crate::error::{Budget, Error};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let string = Type::String;
    let texts = Type::list(Type::String);
    let one = |id, result: &Type| vec![member(id, &[string.clone(), string.clone()], result)];
    vec![
        Function::unguarded("contains", contains, one("contains_string", &Type::Bool)),
        Function::unguarded("startsWith", starts_with, one("starts_with_string", &Type::Bool)),
        Function::unguarded("endsWith", ends_with, one("ends_with_string", &Type::Bool)),
        Function::new(
            "charAt",
            char_at,
            vec![member("string_char_at_int", &[Type::String, Type::Int], &string)],
        ),
        Function::new(
            "indexOf",
            |args, budget| arguments::dispatch(&[index_of, lists::index_of], args, budget),
            vec![
                member("string_index_of_string", &[Type::String, Type::String], &Type::Int),
                member("string_index_of_string_int", &[Type::String, Type::String, Type::Int], &Type::Int),
            ],
        ),
        Function::new(
            "lastIndexOf",
            |args, budget| arguments::dispatch(&[last_index_of, lists::last_index_of], args, budget),
            vec![
                member("string_last_index_of_string", &[Type::String, Type::String], &Type::Int),
                member(
                    "string_last_index_of_string_int",
                    &[Type::String, Type::String, Type::Int],
                    &Type::Int,
                ),
            ],
        ),
        Function::new("lowerAscii", lower, vec![member("string_lower_ascii", &[Type::String], &string)]),
        Function::new("upperAscii", upper, vec![member("string_upper_ascii", &[Type::String], &string)]),
        Function::new("trim", trim, vec![member("string_trim", &[Type::String], &string)]),
        Function::new(
            "replace",
            replace,
            vec![
                member("string_replace_string_string", &[Type::String, Type::String, Type::String], &string),
                member(
                    "string_replace_string_string_int",
                    &[Type::String, Type::String, Type::String, Type::Int],
                    &string,
                ),
            ],
        ),
        Function::new(
            "split",
            split,
            vec![
                member("string_split_string", &[Type::String, Type::String], &texts),
                member("string_split_string_int", &[Type::String, Type::String, Type::Int], &texts),
            ],
        ),
        Function::new(
            "substring",
            substring,
            vec![
                member("string_substring_int", &[Type::String, Type::Int], &string),
                member("string_substring_int_int", &[Type::String, Type::Int, Type::Int], &string),
            ],
        ),
        Function::new(
            "join",
            join,
            vec![
                member("list_join", std::slice::from_ref(&texts), &string),
                member("list_join_string", &[texts, Type::String], &string),
            ],
        ),
        Function::new("strings.quote", quote, vec![overload("strings_quote", &[Type::String], &string)]),
        Function::new(
            "format",
            |args, _| format_text::format(args),
            vec![member("string_format", &[Type::String, Type::list(Type::Dyn)], &string)],
        ),
        Function::unguarded(
            "jsonpatch.escapeKey",
            |args, _| match args {
                [Value::String(key)] => Ok(Value::string(key.replace('~', "~0").replace('/', "~1"))),
                _ => Err(Error::new("no such overload")),
            },
            vec![overload("string_jsonpatch_escapeKey_string", &[Type::String], &string)],
        ),
    ]
}

fn pair(args: &[Value]) -> Result<(&str, &str), Error> {
    match args {
        [Value::String(one), Value::String(other)] => Ok((one, other)),
        _ => Err(Error::new("no such overload")),
    }
}

fn contains(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, part) = pair(args)?;
    Ok(Value::Bool(whole.contains(part)))
}

fn starts_with(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, part) = pair(args)?;
    Ok(Value::Bool(whole.starts_with(part)))
}

fn ends_with(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, part) = pair(args)?;
    Ok(Value::Bool(whole.ends_with(part)))
}

fn out_of_range(index: i64) -> Error {
    Error::new(format!("index out of range: {index}"))
}

/// An index into `length` characters, the end included.
fn position(index: i64, length: usize) -> Result<usize, Error> {
    usize::try_from(index).ok().filter(|index| *index <= length).ok_or_else(|| out_of_range(index))
}

fn char_at(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let [Value::String(whole), Value::Int(index)] = args else { return Err(unfit("charAt", args)) };
    let at = position(*index, whole.chars().count())?;
    Ok(Value::string(whole.chars().nth(at).map(String::from).unwrap_or_default()))
}

fn index_of(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, part, offset) = match args {
        [Value::String(whole), Value::String(part)] => (whole, part, 0),
        [Value::String(whole), Value::String(part), Value::Int(offset)] => (whole, part, *offset),
        _ => return Err(unfit("indexOf", args)),
    };
    if part.is_empty() {
        return Ok(Value::Int(offset));
    }
    let offset = usize::try_from(offset).map_err(|_| out_of_range(offset))?;
    let Some((skipped, _)) = whole.char_indices().nth(offset) else { return Ok(Value::Int(-1)) };
    let found = whole.get(skipped..).and_then(|rest| rest.find(&**part));
    Ok(Value::Int(found.map_or(-1, |at| count(&whole[..skipped + at]))))
}

fn last_index_of(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, part, offset) = match args {
        [Value::String(whole), Value::String(part)] => (whole, part, None),
        [Value::String(whole), Value::String(part), Value::Int(offset)] => (whole, part, Some(*offset)),
        _ => return Err(unfit("lastIndexOf", args)),
    };
    let length = count(whole);
    if part.is_empty() {
        return Ok(Value::Int(offset.unwrap_or(length)));
    }
    if whole.len() < part.len() && offset.is_none() {
        return Ok(Value::Int(-1));
    }
    let offset = offset.unwrap_or(length - 1);
    if offset < 0 {
        return Err(out_of_range(offset));
    }
    if offset >= length {
        return Ok(Value::Int(-1));
    }
    // The part may begin at the offset at the latest.
    let end = usize::try_from(offset + count(part)).unwrap_or(usize::MAX);
    let end = whole.char_indices().nth(end).map_or(whole.len(), |(end, _)| end);
    Ok(Value::Int(whole[..end].rfind(&**part).map_or(-1, |at| count(&whole[..at]))))
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn lower(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(Value::string(text(args.first().unwrap_or(&Value::Null))?.to_ascii_lowercase()))
}

fn upper(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(Value::string(text(args.first().unwrap_or(&Value::Null))?.to_ascii_uppercase()))
}

fn trim(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    Ok(Value::string(text(args.first().unwrap_or(&Value::Null))?.trim()))
}

/// The longest text that a function may make, in bytes; its cost is spent only when it is made.
const LONGEST: usize = 16 << 20;

fn replace(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, old, new, limit) = match args {
        [Value::String(whole), Value::String(old), Value::String(new)] => (whole, old, new, -1),
        [Value::String(whole), Value::String(old), Value::String(new), Value::Int(limit)] => {
            (whole, old, new, *limit)
        }
        _ => return Err(unfit("replace", args)),
    };
    let most = if old.is_empty() { whole.len() + 1 } else { whole.len() / old.len() };
    if most.saturating_mul(new.len()) > LONGEST {
        return Err(Error::CostExceeded);
    }
    Ok(Value::string(match usize::try_from(limit) {
        Ok(limit) => whole.replacen(&**old, new, limit),
        Err(_) => whole.replace(&**old, new),
    }))
}

fn split(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, separator, limit) = match args {
        [Value::String(whole), Value::String(separator)] => (whole, separator, -1),
        [Value::String(whole), Value::String(separator), Value::Int(limit)] => (whole, separator, *limit),
        _ => return Err(unfit("split", args)),
    };
    let parts: Vec<Value> = match usize::try_from(limit) {
        Ok(0) => Vec::new(),
        limit if separator.is_empty() => {
            // Character by character; what is over the limit stays together.
            let limit = limit.unwrap_or(usize::MAX);
            let mut parts: Vec<Value> = Vec::new();
            let mut rest: &str = whole;
            while let Some(first) = rest.chars().next() {
                if parts.len() + 1 == limit {
                    parts.push(Value::string(rest));
                    break;
                }
                parts.push(Value::string(first.to_string()));
                rest = &rest[first.len_utf8()..];
            }
            parts
        }
        Ok(limit) => whole.splitn(limit, &**separator).map(Value::string).collect(),
        Err(_) => whole.split(&**separator).map(Value::string).collect(),
    };
    Ok(Value::list(parts))
}

fn substring(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (whole, start, end) = match args {
        [Value::String(whole), Value::Int(start)] => (whole, *start, None),
        [Value::String(whole), Value::Int(start), Value::Int(end)] => (whole, *start, Some(*end)),
        _ => return Err(unfit("substring", args)),
    };
    if let Some(end) = end.filter(|end| start > *end) {
        return Err(Error::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let length = whole.chars().count();
    let from = position(start, length)?;
    let to = end.map_or(Ok(length), |end| position(end, length))?;
    Ok(Value::string(whole.chars().skip(from).take(to - from).collect::<String>()))
}

fn join(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let (list, separator) = match args {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(unfit("join", args)),
    };
    let mut joined = String::new();
    for (index, item) in list.items.iter().enumerate() {
        let Value::String(item) = item else {
            return Err(Error::new(format!("join: invalid input: {item}")));
        };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(item);
        if joined.len() > LONGEST {
            return Err(Error::CostExceeded);
        }
    }
    Ok(Value::string(joined))
}

fn quote(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let mut quoted = String::from("\"");
    for character in text(args.first().unwrap_or(&Value::Null))?.chars() {
        let escaped = match character {
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{b}' => "\\v",
            '\\' => "\\\\",
            '"' => "\\\"",
            other => {
                quoted.push(other);
                continue;
            }
        };
        quoted.push_str(escaped);
    }
    quoted.push('"');
    Ok(Value::string(quoted))
}
