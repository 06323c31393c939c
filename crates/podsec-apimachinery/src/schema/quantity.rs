//! Quantities (`resource.Quantity`): `100m`, `1.5Gi`, `12e6`, and the one form in which Kubernetes writes each.

/// A text that is no quantity, in Kubernetes' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// It is not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// It has no digits, which Kubernetes only takes for zero where it need not compute with all of them.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// The suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// The text in canonical form, as servers store it: the largest suffix that leaves a whole number, of the family
/// (decimal, binary, exponent) in which it was written. `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.
///
/// A number of more than 36 digits stays as it is.
///
/// # Errors
///
/// When it is not a quantity.
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let parts = Parts::split(text)?;
    let (family, exponent) = interpret(parts.suffix).ok_or(QuantityError::Suffix)?;
    let is_extreme = exponent < NANO || (family == Family::Binary && exponent >= 50);
    if is_extreme && !parts.has_digits {
        return Err(QuantityError::Numeric);
    }
    Ok(amount(&parts, family, exponent).map_or_else(|| text.to_owned(), |amount| amount.write(family)))
}

/// How the suffix was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Binary,
    Decimal,
    Exponent,
}

struct Parts<'a> {
    negative: bool,
    has_digits: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

/// `digits` times ten to the power of `scale`.
#[derive(Clone, Copy)]
struct Amount {
    negative: bool,
    digits: u128,
    scale: i32,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, rest) = digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let power = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if text.is_empty() || !digits(power).1.is_empty() {
            return Err(QuantityError::Format);
        }
        Ok(Self {
            negative: text.starts_with('-'),
            has_digits: !(whole.is_empty() && fraction.is_empty()),
            whole: whole.trim_start_matches('0'),
            fraction,
            suffix,
        })
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The family of a suffix and its exponent, of two for the binary family and of ten for the others.
fn interpret(suffix: &str) -> Option<(Family, i32)> {
    if let Some((_, exponent)) = BINARY.iter().find(|(name, _)| *name == suffix && !name.is_empty()) {
        return Some((Family::Binary, *exponent));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Family::Decimal, *exponent));
    }
    let power = suffix.strip_prefix(['e', 'E'])?;
    Some((Family::Exponent, power.parse().ok()?))
}

/// None when the number is too long for exact arithmetic.
fn amount(parts: &Parts<'_>, family: Family, exponent: i32) -> Option<Amount> {
    let text = format!("{}{}", parts.whole, parts.fraction);
    let mut digits: u128 = if text.is_empty() { 0 } else { text.parse().ok()? };
    let mut scale = -i32::try_from(parts.fraction.len()).ok()?;
    // Short numbers keep their magnitude; Kubernetes caps long ones, which it computes another way.
    let short = match family {
        Family::Binary => {
            digits = digits.checked_mul(1 << exponent)?;
            parts.fraction.is_empty() && text.len() + usize::try_from(exponent).ok()? * 3 / 10 <= 14
        }
        Family::Decimal | Family::Exponent => {
            scale = scale.checked_add(exponent)?;
            text.len() <= 18 && scale >= NANO
        }
    };
    if scale < NANO {
        // Whoever asks for some gets some: round away from zero.
        let step = 10_u128.checked_pow(NANO.checked_sub(scale)?.try_into().ok()?);
        digits = step.map_or(u128::from(digits > 0), |step| digits.div_ceil(step));
        scale = NANO;
    }
    let amount = Amount { negative: parts.negative, digits, scale };
    if short || amount.at_most(CAP) { Some(amount) } else { Some(Amount { digits: CAP, scale: 0, ..amount }) }
}

impl Amount {
    fn write(self, family: Family) -> String {
        if self.digits == 0 {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        match (family, self.whole()) {
            // Small or broken binary quantities are written as decimal ones.
            (Family::Binary, Some(whole)) if whole >= 1024 => {
                let (number, times) = without_factors(whole, 1024);
                let (suffix, _) = BINARY.get(times).copied().unwrap_or_default();
                format!("{sign}{number}{suffix}")
            }
            _ => self.write_decimal(sign, family),
        }
    }

    fn write_decimal(self, sign: &str, family: Family) -> String {
        let (mut number, times) = without_factors(self.digits, 10);
        let mut exponent = self.scale.saturating_add(i32::try_from(times).unwrap_or(i32::MAX));
        while exponent.rem_euclid(3) != 0 {
            number = number.saturating_mul(10);
            exponent -= 1;
        }
        let named = DECIMAL.iter().find(|(_, power)| *power == exponent);
        match (family, named) {
            (Family::Exponent, _) | (_, None) if exponent != 0 => format!("{sign}{number}e{exponent}"),
            (_, Some((suffix, _))) => format!("{sign}{number}{suffix}"),
            (_, None) => format!("{sign}{number}"),
        }
    }

    /// The amount when it is a whole number of ones.
    fn whole(self) -> Option<u128> {
        let power = 10_u128.checked_pow(self.scale.unsigned_abs())?;
        if self.scale >= 0 {
            return self.digits.checked_mul(power);
        }
        self.digits.is_multiple_of(power).then(|| self.digits / power)
    }

    fn at_most(self, limit: u128) -> bool {
        let Some(power) = 10_u128.checked_pow(self.scale.unsigned_abs()) else { return self.scale < 0 };
        if self.scale >= 0 {
            self.digits.checked_mul(power).is_some_and(|whole| whole <= limit)
        } else {
            self.digits.div_ceil(power) <= limit
        }
    }
}

fn without_factors(mut number: u128, factor: u128) -> (u128, usize) {
    let mut times = 0;
    while number != 0 && number.is_multiple_of(factor) {
        number /= factor;
        times += 1;
    }
    (number, times)
}

/// The smallest power of ten that is kept.
const NANO: i32 = -9;
/// What larger long numbers become: the largest `int64`.
const CAP: u128 = 9_223_372_036_854_775_807;
const BINARY: [(&str, i32); 7] =
    [("", 0), ("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_has_one_canonical_form() {
        for (text, expected) in [
            ("0", "0"),
            ("0Gi", "0"),
            ("000", "0"),
            ("-0", "0"),
            ("1000m", "1"),
            ("100m", "100m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1.5Gi", "1536Mi"),
            ("1024Mi", "1Gi"),
            ("1023Mi", "1023Mi"),
            ("1000Ki", "1000Ki"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("1024", "1024"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("1000000k", "1G"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("12e6", "12e6"),
            ("1E", "1E"),
            ("+5", "5"),
            ("-1000m", "-1"),
            ("0.0000000001", "1n"),
            ("1.0000000001", "1000000001n"),
            ("100000000000000000000", "9223372036854775807"),
            ("0.5m", "500u"),
            ("-", "0"),
            (".", "0"),
            ("Gi", "0"),
            ("0Ei", "0"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "true", "{}", "1 ", "abc", "1.2.3", "1Kx", "1e3.5"] {
            assert_eq!(canonical(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1K", "1kk", "1mi", "1e", "1i", "1m5", "5+", "--1"] {
            assert_eq!(canonical(text), Err(QuantityError::Suffix), "{text}");
        }
    }

    #[test]
    fn what_has_no_digits_is_zero_or_nothing() {
        for text in ["Ei", ".Pi", "-e-10"] {
            assert_eq!(canonical(text), Err(QuantityError::Numeric), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_form_is_its_own(text in "[+-]?[0-9]{0,9}(\\.[0-9]{0,6})?(m|k|Ki|Gi|Ei|E|e[0-9]{1,2}|e-[0-9])?") {
            if let Ok(first) = canonical(&text) {
                prop_assert_eq!(canonical(&first), Ok(first));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = canonical(&text);
        }
    }
}
