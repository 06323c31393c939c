//! Kubernetes quantities: `500m`, `1Gi`, `1e3`, compared exactly and written in canonical form.

use std::cmp::Ordering;

use podsec_apimachinery::field::{Error, Path};

use crate::resource_names;

/// An amount, exact to a nano unit as Kubernetes keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    nanos: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Binary,
    Decimal,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
/// Kubernetes caps amounts at 2^63-1 units.
const MAX_UNITS: i128 = i64::MAX as i128;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    /// Reads `^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$`; `None` when it is no quantity.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (digits, suffix) = unsigned.split_at(end);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let (format, multiplier) = multiplier(suffix)?;
        let nanos = scale(whole, fraction, multiplier);
        Some(Self { nanos: if negative { -nanos } else { nanos }, format })
    }

    /// Rounds up to a multiple of a thousandth.
    #[must_use]
    pub(crate) fn round_up_to_milli(self) -> Self {
        const MILLI: i128 = NANO / 1000;
        let rest = self.nanos.rem_euclid(MILLI);
        if rest == 0 {
            return self;
        }
        // Kubernetes rounds away from zero.
        let down = self.nanos - rest;
        Self { nanos: if self.nanos < 0 { down } else { down + MILLI }, ..self }
    }

    /// Whether it is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether it is zero.
    pub(crate) fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it is a whole number of units.
    pub(crate) fn is_integer(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether it is a multiple of `other`.
    pub(crate) fn is_multiple_of(self, other: Self) -> bool {
        other.nanos != 0 && self.nanos % other.nanos == 0
    }

    /// The smallest whole number of units that holds it.
    pub(crate) fn value(self) -> i64 {
        let rest = self.nanos.rem_euclid(NANO);
        let up = self.nanos.div_euclid(NANO) + i128::from(rest != 0);
        i64::try_from(up).unwrap_or(if up < 0 { i64::MIN } else { i64::MAX })
    }

    /// The same in thousandths.
    pub(crate) fn milli_value(self) -> i64 {
        let milli = NANO / 1000;
        let up = self.nanos.div_euclid(milli) + i128::from(self.nanos.rem_euclid(milli) != 0);
        i64::try_from(up).unwrap_or(if up < 0 { i64::MIN } else { i64::MAX })
    }

    /// The error about an amount below zero.
    pub(crate) fn negative(self, path: &Path) -> Option<Error> {
        self.is_negative().then(|| self.invalid(path, "must be greater than or equal to 0"))
    }

    /// The error about an amount that is zero or below it.
    pub(crate) fn not_positive(self, path: &Path) -> Option<Error> {
        (self.nanos <= 0).then(|| self.invalid(path, "must be greater than zero"))
    }

    /// The error about an amount that is below zero in whole units.
    pub(crate) fn not_below_zero_units(self, path: &Path) -> Option<Error> {
        let value = self.value();
        (value < 0).then(|| Error::invalid(path.clone(), &value.into(), "must be a valid resource quantity"))
    }

    /// `Invalid value: <amount>: <detail>`.
    pub(crate) fn invalid(self, path: &Path, detail: &str) -> Error {
        Error::invalid(path.clone(), &self.to_string().into(), detail)
    }

    /// What is wrong with an amount of the resource `name`: below zero, or a part of something that is counted.
    pub(crate) fn validate_for(self, name: &str, path: &Path) -> Vec<Error> {
        let mut errors: Vec<Error> = self.negative(path).into_iter().collect();
        if resource_names::is_integer(name) && !self.is_integer_in_thousandths() {
            errors.push(self.invalid(path, "must be an integer"));
        }
        errors
    }

    fn is_integer_in_thousandths(self) -> bool {
        self.milli_value() % 1000 == 0
    }

    /// The sum of two.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_add(other.nanos), ..self }
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self { nanos: 0, format: Format::Decimal }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl std::fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that keeps it exact.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        // Amounts below 1024 and fractions have no binary form.
        if self.format == Format::Binary && self.nanos % NANO == 0 && (self.nanos / NANO).abs() >= 1024 {
            let units = self.nanos / NANO;
            let (suffix, bits) =
                BINARY.iter().rev().find(|(_, bits)| units % (1 << bits) == 0).unwrap_or(&("", 0));
            return write!(f, "{}{suffix}", units >> bits);
        }
        let mut mantissa = self.nanos;
        let mut exponent = -9;
        while exponent < 18 && mantissa % 1000 == 0 {
            mantissa /= 1000;
            exponent += 3;
        }
        if self.format == Format::Exponent && exponent != 0 {
            return write!(f, "{mantissa}e{exponent}");
        }
        let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent).map_or("", |(suffix, _)| suffix);
        write!(f, "{mantissa}{suffix}")
    }
}

/// The power of two or of ten that a suffix stands for.
fn multiplier(suffix: &str) -> Option<(Format, Multiplier)> {
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::Binary, Multiplier::Two(*bits)));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::Decimal, Multiplier::Ten(*power)));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let power = exponent.parse::<i64>().unwrap_or(i64::MAX).clamp(-1000, 1000);
    Some((Format::Exponent, Multiplier::Ten(i32::try_from(power).ok()?)))
}

#[derive(Clone, Copy)]
enum Multiplier {
    Two(u32),
    Ten(i32),
}

/// `whole.fraction` times the multiplier in nano units, rounded up, capped as Kubernetes caps.
fn scale(whole: &str, fraction: &str, multiplier: Multiplier) -> i128 {
    let (factor, shift) = match multiplier {
        Multiplier::Two(bits) => (1_i128 << bits, 0),
        Multiplier::Ten(power) => (1, power),
    };
    let mut mantissa: i128 = 0;
    let mut exponent = shift + 9;
    let mut lost = false;
    for (digit, fractional) in
        whole.bytes().map(|digit| (digit, false)).chain(fraction.bytes().map(|digit| (digit, true)))
    {
        // Sixteen digits beyond the cap decide nothing but the rounding.
        if mantissa < 10_i128.pow(30) / factor {
            mantissa = mantissa * 10 + i128::from(digit - b'0');
            exponent -= i32::from(fractional);
        } else {
            lost |= digit != b'0';
            exponent += i32::from(!fractional);
        }
    }
    let mut nanos = mantissa.saturating_mul(factor);
    while exponent > 0 && nanos != 0 && nanos < MAX_UNITS * NANO {
        nanos = nanos.saturating_mul(10);
        exponent -= 1;
    }
    while exponent < 0 && nanos != 0 {
        lost |= nanos % 10 != 0;
        nanos /= 10;
        exponent += 1;
    }
    (nanos + i128::from(lost)).min(MAX_UNITS * NANO)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_have_one_canonical_form() {
        let cases = [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1e3"),
            ("100000", "100k"),
            ("0", "0"),
            ("0Gi", "0"),
            ("-1", "-1"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("0.0000000001", "1n"),
            ("9223372036854775808", "9223372036854775807"),
            ("1E", "1E"),
            ("12E2", "1200"),
            (".5", "500m"),
            ("5.", "5"),
        ];
        for (given, canonical) in cases {
            assert_eq!(
                Quantity::parse(given).map(|quantity| quantity.to_string()).as_deref(),
                Some(canonical),
                "{given}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "abc", "1.2.3", "1Kib", "--1", "1e", "1e+", ".", "1 ", "m"] {
            assert!(Quantity::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_reads_as_the_same_amount(text in "[+-]?[0-9]{0,40}(\\.[0-9]{0,30})?([numkMGTPE]|[KMGTPE]i|e[+-]?[0-9]{1,4})?") {
            if let Some(quantity) = Quantity::parse(&text) {
                prop_assert_eq!(Quantity::parse(&quantity.to_string()), Some(quantity));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Quantity::parse(&text);
        }
    }
}
