//! Conversions between types: `int("5")`, `string(1.5)`, `timestamp("…")`.

use jiff::Timestamp;

use super::arguments::unfit;
use super::operators::in_bounds;
use super::quantity;
use crate::declaration::{Function, Overload, id, overload};
use crate::error::{Budget, Error};
use crate::mutation;
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let a = Type::param("A");
    let of = |to: &Type, from: &[(&str, Type)], name: &str| -> Vec<Overload> {
        from.iter()
            .map(|(from, of)| overload(id(format!("{from}_to_{name}")), std::slice::from_ref(of), to))
            .collect()
    };
    let bool = ("bool", Type::Bool);
    let bytes = ("bytes", Type::Bytes);
    let double = ("double", Type::Double);
    let duration = ("duration", Type::Duration);
    let int = ("int64", Type::Int);
    let string = ("string", Type::String);
    let timestamp = ("timestamp", Type::Timestamp);
    let uint = ("uint64", Type::Uint);
    let mut texts = of(
        &Type::String,
        &[
            string.clone(),
            bool.clone(),
            bytes.clone(),
            double.clone(),
            duration.clone(),
            int.clone(),
            timestamp.clone(),
            uint.clone(),
        ],
        "string",
    );
    texts.push(overload("ip_to_string", &[Type::opaque("net.IP")], &Type::String));
    texts.push(overload("cidr_to_string", &[Type::opaque("net.CIDR")], &Type::String));
    let type_of = Type::Type(Some(a.clone().into()));
    vec![
        Function::unguarded(
            "type",
            |args, _| type_of_value(args),
            vec![overload("type", std::slice::from_ref(&a), &type_of)],
        ),
        Function::unguarded("dyn", identity, vec![overload("to_dyn", &[a], &Type::Dyn)]),
        Function::new("bool", to_bool, of(&Type::Bool, &[bool, string.clone()], "bool")),
        Function::new("bytes", to_bytes, of(&Type::Bytes, &[bytes, string.clone()], "bytes")),
        Function::new(
            "double",
            to_double,
            of(&Type::Double, &[double.clone(), int.clone(), string.clone(), uint.clone()], "double"),
        ),
        Function::new(
            "duration",
            to_duration,
            of(&Type::Duration, &[duration.clone(), int.clone(), string.clone()], "duration"),
        ),
        Function::new(
            "int",
            to_int,
            of(
                &Type::Int,
                &[int.clone(), double.clone(), duration, string.clone(), timestamp.clone(), uint.clone()],
                "int64",
            ),
        ),
        Function::new("string", to_string, texts),
        Function::new(
            "timestamp",
            to_timestamp,
            of(&Type::Timestamp, &[timestamp, int.clone(), string.clone()], "timestamp"),
        ),
        Function::new("uint", to_uint, of(&Type::Uint, &[uint, double, int, string], "uint64")),
    ]
}

fn identity(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    args.first().cloned().ok_or_else(|| unfit("dyn", args))
}

fn type_of_value(args: &[Value]) -> Result<Value, Error> {
    let value = args.first().ok_or_else(|| unfit("type", args))?;
    Ok(Value::Type(match value {
        // The type of what mutations make is a type of its own to Kubernetes, whose name is that of types.
        Value::Object(object) if mutation::is_mutation(&object.message) => Type::Type(None),
        other => other.type_of(),
    }))
}

fn wrong(from: &Value, to: &str) -> Error {
    Error::new(format!("type conversion error from '{}' to '{to}'", from.type_name()))
}

fn to_bool(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Bool(flag)] => Ok(Value::Bool(*flag)),
        [text @ Value::String(word)] => match &**word {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(wrong(text, "bool")),
        },
        _ => Err(unfit("bool", args)),
    }
}

fn to_bytes(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => Ok(Value::Bytes(text.as_bytes().into())),
        _ => Err(unfit("bytes", args)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
fn to_double(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Double(number)] => Ok(Value::Double(*number)),
        [Value::Int(number)] => Ok(Value::Double(*number as f64)),
        [Value::Uint(number)] => Ok(Value::Double(*number as f64)),
        [from @ Value::String(text)] => {
            parse_double(text).map(Value::Double).ok_or_else(|| wrong(from, "double"))
        }
        _ => Err(unfit("double", args)),
    }
}

/// A number as Go reads it: also `inf`, `+Infinity` and `nan`, hexadecimal with an exponent of two, and nothing that is
/// too large.
fn parse_double(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if unsigned.starts_with("0x") {
        return parse_hexadecimal(text);
    }
    let special = matches!(unsigned.as_str(), "inf" | "infinity" | "nan");
    // An underscore may stand between digits.
    let separated = text
        .split('_')
        .all(|part| part.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)));
    let text = if separated { text.replace('_', "") } else { text.to_owned() };
    let number: f64 = text.parse().ok()?;
    (special || number.is_finite()).then_some(number)
}

#[expect(clippy::cast_precision_loss, reason = "digits beyond a double's are rounded")]
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches(['+', '-']).get(2..)?;
    let (digits, exponent) = digits.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let value = mantissa as f64 * 2f64.powi(exponent.checked_sub(places)?);
    value.is_finite().then_some(if negative { -value } else { value })
}

fn to_int(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let overflow = || Error::new("integer overflow");
    match args {
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Uint(number)] => i64::try_from(*number).map(Value::Int).map_err(|_| overflow()),
        [Value::Duration(span)] => Ok(Value::Int(*span)),
        [Value::Timestamp(time)] => {
            let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
            Ok(Value::Int(i64::try_from(seconds).map_err(|_| overflow())?))
        }
        [Value::Double(number)] => {
            // The bounds themselves are doubles that no int64 is equal to, but for the least.
            if number.is_nan()
                || *number <= -9_223_372_036_854_775_808.0
                || *number >= 9_223_372_036_854_775_807.0
            {
                return Err(overflow());
            }
            #[expect(clippy::cast_possible_truncation, reason = "within the bounds; the fraction is cut off")]
            Ok(Value::Int(*number as i64))
        }
        [from @ Value::String(text)] => text.parse().map(Value::Int).map_err(|_| wrong(from, "int")),
        _ => Err(unfit("int", args)),
    }
}

fn to_uint(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let overflow = || Error::new("unsigned integer overflow");
    match args {
        [Value::Uint(number)] => Ok(Value::Uint(*number)),
        [Value::Int(number)] => u64::try_from(*number).map(Value::Uint).map_err(|_| overflow()),
        [Value::Double(number)] => {
            if number.is_nan() || *number < 0.0 || *number >= 18_446_744_073_709_551_615.0 {
                return Err(overflow());
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within the bounds; the fraction is cut off"
            )]
            Ok(Value::Uint(*number as u64))
        }
        [from @ Value::String(text)] => {
            let digits = !text.starts_with('+');
            text.parse().ok().filter(|_| digits).map(Value::Uint).ok_or_else(|| wrong(from, "uint"))
        }
        _ => Err(unfit("uint", args)),
    }
}

fn to_string(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Bytes(bytes)] => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::new("invalid UTF-8 in bytes, cannot convert to string"))?;
            Ok(Value::string(text))
        }
        [
            value @ (Value::String(_)
            | Value::Bool(_)
            | Value::Double(_)
            | Value::Duration(_)
            | Value::Int(_)
            | Value::Timestamp(_)
            | Value::Uint(_)),
        ] => Ok(Value::string(value.to_string())),
        [Value::Opaque(opaque)] if matches!(**opaque, Opaque::Ip(_) | Opaque::Cidr(_)) => {
            Ok(Value::string(opaque.to_string()))
        }
        _ => Err(unfit("string", args)),
    }
}

/// `duration(x)`.
pub(crate) fn to_duration(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    match args {
        [Value::Duration(span)] => Ok(Value::Duration(*span)),
        [Value::Int(nanoseconds)] => Ok(Value::Duration(*nanoseconds)),
        [from @ Value::String(text)] => quantity::parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| wrong(from, "google.protobuf.Duration")),
        _ => Err(unfit("duration", args)),
    }
}

/// `timestamp(x)`.
pub(crate) fn to_timestamp(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    let overflow = || Error::new("timestamp overflow");
    match args {
        [Value::Timestamp(time)] => Ok(Value::Timestamp(*time)),
        [Value::Int(seconds)] => {
            let time = Timestamp::from_second(*seconds).ok().filter(|time| in_bounds(*time));
            time.map(Value::Timestamp).ok_or_else(overflow)
        }
        [from @ Value::String(text)] => {
            let time = rfc3339(text).ok_or_else(|| wrong(from, "google.protobuf.Timestamp"))?;
            if in_bounds(time) { Ok(Value::Timestamp(time)) } else { Err(overflow()) }
        }
        _ => Err(unfit("timestamp", args)),
    }
}

/// A time as Go's RFC 3339 reads it: upper-case letters, no space, seconds below 60, an offset up to 24 hours.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let shape = |from: usize, shape: &[u8]| {
        shape.iter().enumerate().all(|(offset, sign)| match sign {
            b'0' => digit(from + offset),
            other => bytes.get(from + offset) == Some(other),
        })
    };
    // Go also takes an hour of one digit, and a comma before the fraction.
    let hour = if shape(0, b"0000-00-00T00:") { 2 } else { 1 };
    let rest = 11 + hour;
    if !shape(0, b"0000-00-00T")
        || !shape(11, if hour == 2 { b"00" } else { b"0" })
        || !shape(rest, b":00:00")
    {
        return None;
    }
    let mut end = rest + 6;
    if matches!(bytes.get(end), Some(b'.' | b',')) && digit(end + 1) {
        end += 1;
        while digit(end) {
            end += 1;
        }
    }
    let zone = text.get(end..)?;
    let zoned = zone == "Z"
        || (zone.len() == 6 && matches!(bytes.get(end), Some(b'+' | b'-')) && shape(end + 1, b"00:00"));
    if !zoned || text.get(rest + 4..rest + 6)? > "59" {
        return None;
    }
    let hours = if hour == 2 { String::new() } else { "0".to_owned() };
    let normal = format!("{}{hours}{}", text.get(..11)?, text.get(11..)?.replacen(',', ".", 1));
    // jiff keeps nine digits of a second, and refuses more of them.
    let fraction = normal.get(20..).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let normal =
        if fraction > 9 { format!("{}{}", normal.get(..29)?, normal.get(20 + fraction..)?) } else { normal };
    normal.parse().ok()
}
