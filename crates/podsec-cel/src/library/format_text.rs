//! `"%s has %d".format([name, count])`: texts made of values, and whether the values can fit before they are known.

use std::fmt::{self, Write as _};

use podsec_go::quote::quoted;

use super::arguments::unfit;
use crate::error::Error;
use crate::text;
use crate::types::Type;
use crate::value::Value;

/// A part of the format.
enum Clause {
    Text(String),
    /// The conversion and its precision.
    Value(char, Option<usize>),
}

/// The most digits behind the point that a clause may ask for.
const PRECISION: usize = 1000;
/// The digits without being asked.
const DEFAULT: usize = 6;

fn parse(format: &str) -> Result<Vec<Clause>, String> {
    let mut clauses = Vec::new();
    let mut rest = format.chars().peekable();
    let mut plain = String::new();
    while let Some(character) = rest.next() {
        if character != '%' {
            plain.push(character);
            continue;
        }
        if rest.peek() == Some(&'%') {
            rest.next();
            plain.push('%');
            continue;
        }
        if !plain.is_empty() {
            clauses.push(Clause::Text(std::mem::take(&mut plain)));
        }
        let mut precision = None;
        if rest.peek() == Some(&'.') {
            rest.next();
            let mut digits = String::new();
            while let Some(digit) = rest.peek().filter(|next| next.is_ascii_digit()) {
                digits.push(*digit);
                rest.next();
            }
            let number = digits.parse().ok().filter(|number| *number <= PRECISION);
            precision = Some(number.ok_or_else(|| {
                format!(
                    "could not parse formatting clause: error while parsing precision: error while converting \
                     precision to integer: strconv.Atoi: parsing {}: invalid syntax",
                    quoted(&digits)
                )
            })?);
        }
        let conversion = rest.next().ok_or_else(|| "unexpected end of string".to_owned())?;
        clauses.push(Clause::Value(conversion, precision));
    }
    if !plain.is_empty() {
        clauses.push(Clause::Text(plain));
    }
    Ok(clauses)
}

/// Checks a format against the types of its arguments. An error names the argument that it is about, if it is about one.
pub(crate) fn check(format: &str, types: &[Type]) -> Result<(), (Option<usize>, String)> {
    let mut used = 0;
    for clause in parse(format).map_err(|message| (None, message))? {
        let Clause::Value(conversion, _) = clause else { continue };
        let Some(of) = types.get(used) else { return Err((None, format!("index {used} out of range"))) };
        refusal(conversion, of).map_or(Ok(()), |message| {
            // What is wrong with the clause is told of the call, what is wrong with an argument there.
            let about = message.starts_with("error during formatting").then_some(used);
            Err((about, message))
        })?;
        used += 1;
    }
    if types.len() > used {
        let given = types.len();
        return Err((
            None,
            format!("too many arguments supplied to string.format (expected {used}, got {given})"),
        ));
    }
    Ok(())
}

/// Why a conversion does not take values of a type.
fn refusal(conversion: char, of: &Type) -> Option<String> {
    let (fits, takes) = match conversion {
        's' => (
            matches!(
                of,
                Type::List(_)
                    | Type::Map(..)
                    | Type::Int
                    | Type::Uint
                    | Type::Double
                    | Type::Bool
                    | Type::String
                    | Type::Timestamp
                    | Type::Bytes
                    | Type::Duration
                    | Type::Type(_)
                    | Type::Null
            ),
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
             and timestamps",
        ),
        'd' => (matches!(of, Type::Int | Type::Uint), "decimal clause can only be used on integers"),
        'f' => (*of == Type::Double, "fixed-point clause can only be used on doubles"),
        'e' => (*of == Type::Double, "scientific clause can only be used on doubles"),
        'b' => (
            matches!(of, Type::Int | Type::Uint | Type::Bool),
            "only integers and bools can be formatted as binary",
        ),
        'x' | 'X' => (
            matches!(of, Type::Int | Type::Uint | Type::String | Type::Bytes),
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
        'o' => (matches!(of, Type::Int | Type::Uint), "octal clause can only be used on integers"),
        other => {
            return Some(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{other}\""
            ));
        }
    };
    if fits || matches!(of, Type::Dyn | Type::Error | Type::Param(_)) {
        return None;
    }
    Some(format!("error during formatting: {takes}, was given {}", of.name()))
}

/// `text.format(list)`.
pub(super) fn format(args: &[Value]) -> Result<Value, Error> {
    let [Value::String(format), Value::List(values)] = args else { return Err(unfit("format", args)) };
    let mut out = String::new();
    let mut values = values.items.iter().enumerate();
    let mut count = 0;
    for clause in parse(format).map_err(Error::new)? {
        match clause {
            Clause::Text(text) => out.push_str(&text),
            Clause::Value(conversion, precision) => {
                let Some((_, value)) = values.next() else {
                    return Err(Error::new(format!("index {count} out of range")));
                };
                count += 1;
                if let Some(message) = refusal(conversion, &value.type_of()) {
                    let special = matches!(value, Value::String(text) if ["NaN", "Infinity", "-Infinity"].contains(&&**text));
                    if !(special && matches!(conversion, 'f' | 'e')) {
                        return Err(Error::new(message));
                    }
                }
                convert(&mut out, conversion, precision, value)?;
            }
        }
    }
    Ok(Value::string(out))
}

fn convert(out: &mut String, conversion: char, precision: Option<usize>, value: &Value) -> Result<(), Error> {
    let digits = precision.unwrap_or(DEFAULT);
    match (conversion, value) {
        ('s', _) => out.push_str(&shown(value)?),
        ('d', Value::Int(_) | Value::Uint(_)) => out.push_str(&value.to_string()),
        ('f', Value::Double(number)) => out.push_str(&fixed(*number, digits)),
        // Kubernetes does not heed the precision here.
        ('e', Value::Double(number)) => out.push_str(&scientific(*number, DEFAULT)),
        ('f' | 'e', Value::String(text)) => {
            out.push_str(match &**text {
                "NaN" => "NaN",
                "Infinity" => "∞",
                _ => "-∞",
            });
        }
        ('b', Value::Bool(flag)) => out.push(if *flag { '1' } else { '0' }),
        ('b', Value::Int(number)) => signed(out, *number, |number| format!("{number:b}")),
        ('b', Value::Uint(number)) => write(out, format_args!("{number:b}")),
        ('o', Value::Int(number)) => signed(out, *number, |number| format!("{number:o}")),
        ('o', Value::Uint(number)) => write(out, format_args!("{number:o}")),
        ('x', Value::Int(number)) => signed(out, *number, |number| format!("{number:x}")),
        ('X', Value::Int(number)) => signed(out, *number, |number| format!("{number:X}")),
        ('x', Value::Uint(number)) => write(out, format_args!("{number:x}")),
        ('X', Value::Uint(number)) => write(out, format_args!("{number:X}")),
        ('x' | 'X', Value::String(text)) => hexadecimal(out, text.as_bytes(), conversion == 'X'),
        ('x' | 'X', Value::Bytes(bytes)) => hexadecimal(out, bytes, conversion == 'X'),
        _ => return Err(Error::new("no such overload")),
    }
    Ok(())
}

/// Appends digits. Writing into a text cannot fail.
fn write(out: &mut String, digits: fmt::Arguments<'_>) {
    let _ = out.write_fmt(digits);
}

fn signed(out: &mut String, number: i64, digits: impl Fn(u64) -> String) {
    if number < 0 {
        out.push('-');
    }
    out.push_str(&digits(number.unsigned_abs()));
}

fn hexadecimal(out: &mut String, bytes: &[u8], upper: bool) {
    for byte in bytes {
        if upper {
            write(out, format_args!("{byte:02X}"));
        } else {
            write(out, format_args!("{byte:02x}"));
        }
    }
}

/// What `%s` makes of a value.
fn shown(value: &Value) -> Result<String, Error> {
    match value {
        Value::List(_) | Value::Map(_) => nested(value),
        _ => Ok(value.to_string()),
    }
}

/// A value within a list or map: texts quoted, doubles with six digits.
fn nested(value: &Value) -> Result<String, Error> {
    Ok(match value {
        Value::String(text) => quoted(text),
        Value::Bytes(bytes) => format!("b{}", quoted(&String::from_utf8_lossy(bytes))),
        Value::Timestamp(time) => format!("timestamp({})", quoted(&text::timestamp(*time))),
        Value::Duration(span) => format!("duration({})", quoted(&text::duration(*span))),
        Value::Double(number) if number.is_finite() => format!("{number:.6}"),
        Value::Double(number) => quoted(&text::double(*number)),
        Value::List(list) => {
            let items: Vec<String> = list.items.iter().map(nested).collect::<Result<_, _>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let mut entries: Vec<(String, String)> = map
                .iter()
                .map(|(key, value)| Ok((nested(&key.value())?, nested(value)?)))
                .collect::<Result<_, Error>>()?;
            entries.sort();
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Type(_) => value.to_string(),
        other => {
            let message =
                format!("error during formatting: no formatting function for {}", other.type_name());
            return Err(Error::new(message));
        }
    })
}

/// A number with so many digits behind the point, and a comma between thousands.
fn fixed(number: f64, digits: usize) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    let plain = format!("{number:.digits$}");
    let (whole, fraction) =
        plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

/// `1.234500×10⁰³`.
fn scientific(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return fixed(number, digits);
    }
    let plain = format!("{number:.digits$e}");
    let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
    let negative = exponent.starts_with('-');
    let raised: String = format!("{:02}", exponent.trim_start_matches('-').parse::<u32>().unwrap_or(0))
        .chars()
        .filter_map(|digit| digit.to_digit(10).and_then(|digit| RAISED.get(digit as usize)))
        .collect();
    format!("{mantissa}×10{}{raised}", if negative { "⁻" } else { "" })
}

const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
