//! Amounts, as of memory.
//!
//! An amount is an integer times a power of ten, exact to a billionth. Which of them count as integers follows how
//! Kubernetes keeps them: `1500m` is none, nor is `1.0`, and what does not fit into 64 bits is none either.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

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
    /// An integer as an amount.
    pub(crate) fn from_integer(value: i64) -> Self {
        Self { value: i128::from(value), scale: 0, format: Format::Exponent, large: false }
    }

    pub(crate) fn negated(self) -> Self {
        Self { value: self.value.saturating_neg(), ..self }
    }

    /// The nearest double.
    #[expect(clippy::cast_precision_loss, reason = "the value is asked for as a double")]
    pub(crate) fn approximate(self) -> f64 {
        let value = self.value as f64;
        if self.scale == 0 { value } else { value * 10f64.powi(self.scale) }
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(self) -> i64 {
        self.value.signum() as i64
    }

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

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let (one, other, _) = self.aligned(other);
        one.cmp(&other)
    }

    /// The sum, in the format of the first.
    pub(crate) fn plus(self, other: Self) -> Self {
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

    /// The value, if Kubernetes keeps it as an integer.
    pub(crate) fn integer(self) -> Option<i64> {
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

/// Parses an amount.
///
/// # Errors
/// Kubernetes' words.
pub(crate) fn parse(text: &str) -> Result<Quantity, &'static str> {
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
        return Err(FORM);
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
