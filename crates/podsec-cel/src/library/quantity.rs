//! Amounts: `quantity("1.5Gi").isGreaterThan(quantity("1G"))`.
//!
//! An amount is an integer times a power of ten, exact to a billionth. Which of them count as integers follows how
//! Kubernetes keeps them: `1500m` is none, nor is `1.0`, and what does not fit into 64 bits is none either.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use super::unfit;
use crate::declaration::{Function, member, overload};
use crate::eval::{Budget, Error};
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

/// An amount.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    value: i128,
    /// The power of ten.
    scale: i32,
    format: Format,
    /// Whether it is beyond what Kubernetes keeps in 64 bits.
    large: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    DecimalSi,
    BinarySi,
    Exponent,
}

impl Quantity {
    /// Both as integers of the same power of ten.
    fn aligned(self, other: Self) -> (i128, i128, i32) {
        let scale = self.scale.min(other.scale);
        let raised = |quantity: Self| {
            let power = u32::try_from(quantity.scale - scale).unwrap_or(0);
            10i128
                .checked_pow(power)
                .and_then(|power| quantity.value.checked_mul(power))
                .unwrap_or(if quantity.value < 0 { i128::MIN } else { i128::MAX })
        };
        (raised(self), raised(other), scale)
    }

    fn compare(self, other: Self) -> Ordering {
        let (one, other, _) = self.aligned(other);
        one.cmp(&other)
    }

    fn plus(self, other: Self) -> Self {
        let (one, with, scale) = self.aligned(other);
        let value = one.saturating_add(with);
        if other.value == 0 {
            return self;
        }
        if self.value == 0 {
            return Self { format: self.format, ..other };
        }
        let large = self.large || other.large || i64::try_from(value).is_err();
        Self { value, scale, format: self.format, large }
    }

    fn integer(self) -> Option<i64> {
        if self.large || self.scale < 0 {
            return None;
        }
        let power = 10i128.checked_pow(u32::try_from(self.scale).ok()?)?;
        i64::try_from(self.value.checked_mul(power)?).ok()
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other).is_eq()
    }
}

impl Eq for Quantity {}

/// The canonical text: no digits behind the point, the largest suffix that allows it.
impl Display for Quantity {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.value == 0 {
            return formatter.write_str("0");
        }
        let whole = u32::try_from(self.scale)
            .ok()
            .and_then(|scale| 10i128.checked_pow(scale))
            .and_then(|power| self.value.checked_mul(power))
            .or_else(|| {
                let power = 10i128.checked_pow(u32::try_from(-self.scale).ok()?)?;
                (self.value % power == 0).then_some(self.value / power)
            });
        if self.format == Format::BinarySi
            && let Some(mut value) = whole.filter(|value| value.abs() >= 1024)
        {
            let mut steps = 0;
            while value % 1024 == 0 && steps < BINARY.len() - 1 {
                value /= 1024;
                steps += 1;
            }
            return write!(formatter, "{value}{}", BINARY.get(steps).unwrap_or(&""));
        }
        let (mut value, mut scale) = (self.value, self.scale);
        while value % 10 == 0 {
            value /= 10;
            scale += 1;
        }
        // Powers are multiples of three, between a billionth and a quintillion.
        while scale.rem_euclid(3) != 0 || (self.format != Format::Exponent && scale > 18) {
            value = value.saturating_mul(10);
            scale -= 1;
        }
        match self.format {
            Format::Exponent if scale == 0 => write!(formatter, "{value}"),
            Format::Exponent => write!(formatter, "{value}e{scale}"),
            _ => {
                let index = usize::try_from(scale / 3 + 3).unwrap_or(0);
                write!(formatter, "{value}{}", DECIMAL.get(index).unwrap_or(&""))
            }
        }
    }
}

const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

pub(super) fn functions() -> Vec<Function> {
    let quantity = Type::message("kubernetes.Quantity");
    let pair = [quantity.clone(), quantity.clone()];
    let with_int = [quantity.clone(), Type::Int];
    let one = [quantity.clone()];
    vec![
        Function::new(
            "quantity",
            |args, _| match args {
                [Value::String(text)] => {
                    parse(text).map(|found| Value::opaque(Opaque::Quantity(found))).map_err(Error::new)
                }
                _ => Err(unfit("quantity", args)),
            },
            vec![overload("string_to_quantity", &[Type::String], &quantity)],
        ),
        Function::new(
            "isQuantity",
            |args, _| match args {
                [Value::String(text)] => Ok(Value::Bool(parse(text).is_ok())),
                _ => Err(unfit("isQuantity", args)),
            },
            vec![overload("is_quantity_string", &[Type::String], &Type::Bool)],
        ),
        Function::new(
            "sign",
            |args, _| of("sign", args).map(|found| Value::Int(found.value.signum() as i64)),
            vec![overload("quantity_sign", &one, &Type::Int)],
        ),
        Function::new(
            "isGreaterThan",
            is_greater,
            vec![member("quantity_is_greater_than", &pair, &Type::Bool)],
        ),
        Function::new("isLessThan", is_less, vec![member("quantity_is_less_than", &pair, &Type::Bool)]),
        Function::new("compareTo", compare_to, vec![member("quantity_compare_to", &pair, &Type::Int)]),
        Function::new(
            "asApproximateFloat",
            |args, _| of("asApproximateFloat", args).map(|found| Value::Double(approximate(found))),
            vec![member("quantity_get_float", &one, &Type::Double)],
        ),
        Function::new(
            "asInteger",
            |args, _| {
                let integer = of("asInteger", args)?.integer();
                integer.map(Value::Int).ok_or_else(|| Error::new("cannot convert value to integer"))
            },
            vec![member("quantity_get_int", &one, &Type::Int)],
        ),
        Function::new(
            "isInteger",
            |args, _| of("isInteger", args).map(|found| Value::Bool(found.integer().is_some())),
            vec![member("quantity_is_integer", &one, &Type::Bool)],
        ),
        Function::new(
            "add",
            |args, _| both("add", args).map(|(one, other)| Value::opaque(Opaque::Quantity(one.plus(other)))),
            vec![member("quantity_add", &pair, &quantity), member("quantity_add_int", &with_int, &quantity)],
        ),
        Function::new(
            "sub",
            |args, _| {
                let (one, other) = both("sub", args)?;
                let negative = Quantity { value: other.value.saturating_neg(), ..other };
                Ok(Value::opaque(Opaque::Quantity(one.plus(negative))))
            },
            vec![member("quantity_sub", &pair, &quantity), member("quantity_sub_int", &with_int, &quantity)],
        ),
    ]
}

fn amount(value: &Value) -> Option<Quantity> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Quantity(quantity) => Some(*quantity),
            _ => None,
        },
        Value::Int(number) => {
            Some(Quantity { value: i128::from(*number), scale: 0, format: Format::Exponent, large: false })
        }
        _ => None,
    }
}

fn of(function: &str, args: &[Value]) -> Result<Quantity, Error> {
    match args {
        [value @ Value::Opaque(_)] => amount(value).ok_or_else(|| unfit(function, args)),
        _ => Err(unfit(function, args)),
    }
}

fn both(function: &str, args: &[Value]) -> Result<(Quantity, Quantity), Error> {
    match args {
        [one @ Value::Opaque(_), other] => {
            amount(one).zip(amount(other)).ok_or_else(|| unfit(function, args))
        }
        _ => Err(unfit(function, args)),
    }
}

pub(super) fn is_greater(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("isGreaterThan", args).map(|(one, other)| Value::Bool(one.compare(other).is_gt()))
}

pub(super) fn is_less(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("isLessThan", args).map(|(one, other)| Value::Bool(one.compare(other).is_lt()))
}

pub(super) fn compare_to(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    both("compareTo", args).map(|(one, other)| Value::Int(one.compare(other) as i64))
}

#[expect(clippy::cast_precision_loss, reason = "the value is asked for as a double")]
fn approximate(quantity: Quantity) -> f64 {
    let value = quantity.value as f64;
    if quantity.scale == 0 { value } else { value * 10f64.powi(quantity.scale) }
}

/// Parses an amount.
///
/// # Errors
/// Kubernetes' words.
fn parse(text: &str) -> Result<Quantity, &'static str> {
    const FORM: &str =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    const SUFFIX: &str = "unable to parse quantity's suffix";
    if text.is_empty() {
        return Err(FORM);
    }
    let (negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let written = digits(rest);
    let whole = rest[..written].trim_start_matches('0');
    let mut rest = &rest[written..];
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let count = digits(after);
        fraction = &after[..count];
        rest = &after[count..];
    }
    if written == 0 && fraction.is_empty() {
        // A sign, a point or a suffix alone is zero to Kubernetes only where nothing at all follows.
        let shape = rest.bytes().all(|byte| b"eEinumkKMGTP".contains(&byte));
        return if rest.is_empty() || !shape { Err(FORM) } else { Err(FORM) };
    }
    let letters = rest.bytes().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
    let after = &rest[letters..];
    let exponent = after.strip_prefix(['-', '+']).unwrap_or(after);
    if !exponent.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM);
    }
    let (base, power, format) = suffix(rest).ok_or(SUFFIX)?;
    let shown = if whole.is_empty() { "0" } else { whole };
    let mantissa: i128 =
        format!("{shown}{fraction}").parse().map_err(|_| "unable to parse numeric part of quantity")?;
    let places = i32::try_from(fraction.len()).map_err(|_| FORM)?;
    let value = if negative { -mantissa } else { mantissa };
    let (value, scale) = match base {
        2 => {
            let factor = 1i128.checked_shl(u32::try_from(power).map_err(|_| SUFFIX)?).ok_or(SUFFIX)?;
            (value.saturating_mul(factor), -places)
        }
        _ => (value, power - places),
    };
    let length = i32::try_from(shown.len() + fraction.len()).unwrap_or(i32::MAX);
    let fits = match base {
        2 => fraction.is_empty() && 15 - length - power * 3 / 10 > 0,
        _ => length <= 18 && scale >= -9,
    };
    let (value, scale) = rounded(value, scale);
    Ok(Quantity { value, scale, format, large: !fits })
}

/// Rounded up, away from zero, to a billionth.
fn rounded(value: i128, scale: i32) -> (i128, i32) {
    if scale >= -9 {
        return (value, scale);
    }
    let Some(power) = u32::try_from(-9 - scale).ok().and_then(|places| 10i128.checked_pow(places)) else {
        return (value.signum(), -9);
    };
    let quotient = value / power;
    (if value % power == 0 { quotient } else { quotient + value.signum() }, -9)
}

fn suffix(text: &str) -> Option<(u8, i32, Format)> {
    if let Some(index) = BINARY.iter().position(|suffix| *suffix == text && !suffix.is_empty()) {
        return Some((2, i32::try_from(index).ok()? * 10, Format::BinarySi));
    }
    if let Some(index) = DECIMAL.iter().position(|suffix| *suffix == text) {
        return Some((10, i32::try_from(index).ok()? * 3 - 9, Format::DecimalSi));
    }
    let exponent = text.strip_prefix(['e', 'E'])?;
    exponent.parse().ok().map(|exponent| (10, exponent, Format::Exponent))
}

/// A duration as Go reads it, in nanoseconds: `1h30m`, `-1.5s`.
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    podsec_go::duration::parse(text).ok()
}
