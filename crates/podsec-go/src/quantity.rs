//! Quantities (`resource.Quantity`): `100m`, `1.5Gi`, `12e6`, compared exactly, and the one form in which Kubernetes writes
//! each.

use core::cmp::Ordering;
use core::fmt;

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

/// An amount, exact to a billionth as Kubernetes keeps it. What is smaller is rounded away from zero: whoever asks for some
/// gets some.
///
/// ```
/// use podsec_go::quantity::Quantity;
///
/// let half = Quantity::parse("0.5")?;
/// assert!(half < Quantity::parse("1")? && half == Quantity::parse("500m")?);
/// assert_eq!(half.to_string(), "500m");
/// # Ok::<(), podsec_go::quantity::QuantityError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    is_negative: bool,
    /// Times ten to the power of `scale`; no multiple of ten unless zero, and then the scale is zero, too.
    digits: u128,
    scale: i32,
    family: Family,
}

/// How the suffix was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Binary,
    Decimal,
    Exponent,
}

/// The text in canonical form, as servers store it: the largest suffix that leaves a whole number, of the family
/// (decimal, binary, exponent) in which it was written. `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`.
///
/// A number of more than 36 significant digits stays as it is.
///
/// # Errors
/// When it is not a quantity.
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let (quantity, is_exact) = read(text)?;
    Ok(if is_exact { quantity.to_string() } else { text.to_owned() })
}

/// Whether Kubernetes takes this text for a quantity.
pub fn is_valid(text: &str) -> bool {
    Parts::of(text).is_ok()
}

impl Quantity {
    /// Reads a quantity. Of more than 36 significant digits the first 36 count, rounded away from zero.
    ///
    /// # Errors
    /// When it is not a quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        read(text).map(|(quantity, _)| quantity)
    }

    /// Rounds to a multiple of a thousandth, away from zero.
    #[must_use]
    pub fn round_up_to_milli(self) -> Self {
        self.rounded(-3)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.is_negative && self.digits != 0
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether it is a whole number of units.
    pub fn is_integer(self) -> bool {
        self.scale >= 0
    }

    /// The units, rounded away from zero; what an `i64` cannot hold is its nearest.
    pub fn value(self) -> i64 {
        self.rounded(0).scaled(0)
    }

    /// The same in thousandths.
    pub fn milli_value(self) -> i64 {
        self.rounded(-3).scaled(3)
    }

    /// How many times ten to the power of minus `places` it is.
    fn scaled(self, places: i32) -> i64 {
        let whole = Self { scale: self.scale.saturating_add(places), ..self }.units();
        let whole = whole.and_then(|whole| i64::try_from(whole).ok());
        match (self.is_negative, whole.or((self.digits == 0).then_some(0))) {
            (false, whole) => whole.unwrap_or(i64::MAX),
            (true, whole) => whole.map_or(i64::MIN, |whole| -whole),
        }
    }

    /// Whether it is a multiple of `other`; nothing is a multiple of zero.
    pub fn is_multiple_of(self, other: Self) -> bool {
        aligned(self, other).is_some_and(|(this, other)| other != 0 && this.is_multiple_of(other))
    }

    /// The sum of two, in the family of the first; where it has too many digits, the larger one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = || {
            let (this, that) = aligned(self, other)?;
            let (is_negative, digits) = match (self.is_negative == other.is_negative, this >= that) {
                (true, _) => (self.is_negative, this.checked_add(that)?),
                (false, true) => (self.is_negative, this - that),
                (false, false) => (other.is_negative, that - this),
            };
            Some(Self { is_negative, digits, scale: self.scale.min(other.scale), ..self }.reduced())
        };
        sum().unwrap_or_else(|| {
            if self.magnitude_to(other).is_ge() { self } else { Self { family: self.family, ..other } }
        })
    }

    /// The difference of two, in the family of the first.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self { is_negative: !other.is_negative && other.digits != 0, ..other })
    }

    /// Rounds to whole units, away from zero.
    #[must_use]
    pub fn round_up_to_units(self) -> Self {
        self.rounded(0)
    }

    /// Moves all factors of ten into the scale.
    fn reduced(mut self) -> Self {
        if self.digits == 0 {
            return Self { is_negative: false, scale: 0, ..self };
        }
        while self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.scale = self.scale.saturating_add(1);
        }
        self
    }

    /// Rounds to a multiple of a power of ten, away from zero.
    fn rounded(self, scale: i32) -> Self {
        if self.scale >= scale {
            return self;
        }
        let step =
            u32::try_from(scale.saturating_sub(self.scale)).ok().and_then(|power| 10_u128.checked_pow(power));
        let digits = step.map_or(u128::from(self.digits > 0), |step| self.digits.div_ceil(step));
        Self { digits, scale, ..self }.reduced()
    }

    /// The units, when they are a whole number that is not too large.
    fn units(self) -> Option<u128> {
        let power = u32::try_from(self.scale).ok()?;
        self.digits.checked_mul(10_u128.checked_pow(power)?)
    }

    /// Compares without signs.
    fn magnitude_to(self, other: Self) -> Ordering {
        let magnitude = |amount: Self| {
            let digits = amount.digits.checked_ilog10().map_or(i64::MIN / 2, i64::from);
            digits + i64::from(amount.scale)
        };
        // Amounts of one magnitude differ in scale by no more digits than they have: these can be aligned, or nearly.
        magnitude(self).cmp(&magnitude(other)).then_with(|| match aligned(self, other) {
            Some((this, that)) => this.cmp(&that),
            None => self.scale.cmp(&other.scale),
        })
    }
}

/// The digits of two amounts at the smaller one of their scales.
fn aligned(first: Quantity, second: Quantity) -> Option<(u128, u128)> {
    let scale = first.scale.min(second.scale);
    let at = |amount: Quantity| {
        if amount.digits == 0 {
            return Some(0);
        }
        let power = u32::try_from(amount.scale.checked_sub(scale)?).ok()?;
        amount.digits.checked_mul(10_u128.checked_pow(power)?)
    };
    Some((at(first)?, at(second)?))
}

impl Default for Quantity {
    fn default() -> Self {
        Self { is_negative: false, digits: 0, scale: 0, family: Family::Decimal }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
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
        match (self.is_negative(), other.is_negative()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude_to(*other),
            (true, true) => other.magnitude_to(*self),
        }
    }
}

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that keeps it exact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits == 0 {
            return f.write_str("0");
        }
        if self.is_negative {
            f.write_str("-")?;
        }
        // Small or broken binary amounts are written as decimal ones.
        if let (Family::Binary, Some(mut units @ 1024..)) = (self.family, self.units()) {
            let mut times = 0;
            while units.is_multiple_of(1024) && times + 1 < BINARY.len() {
                units /= 1024;
                times += 1;
            }
            let (suffix, _) = BINARY.get(times).copied().unwrap_or_default();
            return write!(f, "{units}{suffix}");
        }
        let (mut digits, mut exponent) = (self.digits, self.scale);
        while exponent.rem_euclid(3) != 0 {
            digits = digits.saturating_mul(10);
            exponent -= 1;
        }
        let named = DECIMAL.iter().find(|(_, power)| *power == exponent);
        match (self.family, named) {
            (_, Some(("", _))) => write!(f, "{digits}"),
            (Family::Exponent, _) | (_, None) => write!(f, "{digits}e{exponent}"),
            (_, Some((suffix, _))) => write!(f, "{digits}{suffix}"),
        }
    }
}

/// A quantity as it is written.
struct Parts<'a> {
    whole: &'a str,
    fraction: &'a str,
    family: Family,
    /// Of two for the binary family and of ten for the others.
    exponent: i32,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, QuantityError> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let power = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if text.is_empty() || !split_digits(power).1.is_empty() {
            return Err(QuantityError::Format);
        }
        let (family, exponent) = interpret(suffix).ok_or(QuantityError::Suffix)?;
        let is_extreme = exponent < NANO || (family == Family::Binary && exponent >= 50);
        if is_extreme && whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Numeric);
        }
        Ok(Self { whole, fraction, family, exponent })
    }
}

/// The quantity, and whether it is exactly what is written, or what Kubernetes makes of it.
fn read(text: &str) -> Result<(Quantity, bool), QuantityError> {
    let Parts { whole, fraction, family, exponent } = Parts::of(text)?;
    let (digits, scale, is_exact) = significant(whole, fraction);
    let mut quantity = Quantity { is_negative: text.starts_with('-'), digits, scale, family };
    match family {
        Family::Binary => {
            let limit = Quantity { digits: CAP, scale: 0, ..quantity };
            let product = digits.checked_mul(1 << exponent);
            quantity = match product {
                Some(digits) => Quantity { digits, ..quantity }.rounded(NANO).reduced(),
                None => product_of_many_digits(quantity, exponent),
            };
            if quantity.magnitude_to(limit).is_gt() {
                quantity = limit;
            }
            Ok((quantity, true))
        }
        Family::Decimal | Family::Exponent => {
            quantity.scale = scale.saturating_add(exponent);
            let is_exact = is_exact || quantity.scale < NANO;
            Ok((quantity.reduced().rounded(NANO), is_exact))
        }
    }
}

/// `quantity` times a power of two, where that has more digits than fit: those of less than a billionth go first.
fn product_of_many_digits(quantity: Quantity, exponent: i32) -> Quantity {
    // With ten places of a billionth left to round, what is cut off here decides nothing else.
    let shortened = quantity.rounded(NANO - 10 - exponent / 3);
    let digits = shortened.digits.saturating_mul(1 << exponent);
    Quantity { digits, ..shortened }.rounded(NANO).reduced()
}

/// The number without its point: at most 36 digits of it, where the last is rounded away from zero, and its scale. Whether
/// these are all.
fn significant(whole: &str, fraction: &str) -> (u128, i32, bool) {
    let (mut digits, mut scale, mut lost) = (0_u128, 0_i32, false);
    let places = whole.bytes().map(|digit| (digit, 0)).chain(fraction.bytes().map(|digit| (digit, 1)));
    for (digit, place) in places {
        if digits < FULL {
            digits = digits * 10 + u128::from(digit - b'0');
            scale = scale.saturating_sub(place);
        } else {
            lost |= digit != b'0';
            scale = scale.saturating_add(1 - place);
        }
    }
    (digits + u128::from(lost), scale, !lost)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The family of a suffix and its exponent, of two for the binary family and of ten for the others.
fn interpret(suffix: &str) -> Option<(Family, i32)> {
    if let Some((_, exponent)) = BINARY.iter().find(|(name, _)| *name == suffix && !name.is_empty()) {
        return Some((Family::Binary, *exponent));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Family::Decimal, *exponent));
    }
    let power: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    // Kubernetes keeps the lower half of the bits.
    #[expect(clippy::cast_possible_truncation, reason = "as Kubernetes does")]
    Some((Family::Exponent, power as i32))
}

/// The smallest power of ten that is kept.
const NANO: i32 = -9;
/// What larger binary amounts become: the largest `int64`.
const CAP: u128 = 9_223_372_036_854_775_807;
/// The smallest number of 36 digits.
const FULL: u128 = 10_u128.pow(35);
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
            ("1.1Ki", "1126400m"),
            ("1024", "1024"),
            ("1000", "1k"),
            ("100000", "100k"),
            ("1500", "1500"),
            ("1000000k", "1G"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("12e6", "12e6"),
            ("1E", "1E"),
            ("+5", "5"),
            ("-1", "-1"),
            ("-1000m", "-1"),
            ("0.0000000001", "1n"),
            ("1.0000000001", "1000000001n"),
            ("9223372036854775808", "9223372036854775808"),
            ("100000000000000000000", "100E"),
            ("1000000Ei", "9223372036854775807"),
            ("0.5m", "500u"),
            ("-", "0"),
            (".", "0"),
            ("Gi", "0"),
            ("0Ei", "0"),
            ("1e9223372036854775807", "100e-3"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
        let long = format!("{}3", "12".repeat(20));
        assert_eq!(canonical(&long), Ok(long));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "true", "{}", "1 ", "abc", "1.2.3", "1Kx", "1Kib", "1e3.5", "0x1", "1,5"] {
            assert_eq!(canonical(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1K", "1kk", "1mi", "1e", "1e+", "1i", "1m5", "5+", "--1", "1e9223372036854775808"] {
            assert_eq!(canonical(text), Err(QuantityError::Suffix), "{text}");
        }
    }

    #[test]
    fn what_has_no_digits_is_zero_or_nothing() {
        for text in ["Ei", ".Pi", "-e-10"] {
            assert_eq!(canonical(text), Err(QuantityError::Numeric), "{text}");
        }
    }

    #[test]
    fn amounts_are_compared_and_added_whatever_their_suffixes() {
        let read = |text: &str| Quantity::parse(text).unwrap();
        let ascending = [
            "-1e30", "-2", "-1m", "0", "1n", "999m", "1", "1023", "1Ki", "1025", "1M", "1Mi", "1e30", "12e30",
        ];
        for pair in ascending.windows(2) {
            let [less, more] = pair else { unreachable!("windows of two") };
            assert!(read(less) < read(more), "{less} {more}");
        }
        assert_eq!(read("500m").plus(read("0.5")).to_string(), "1");
        assert_eq!(read("1Gi").plus(read("1Gi")).to_string(), "2Gi");
        assert_eq!(read("1").plus(read("-250m")).to_string(), "750m");
        assert_eq!(read("1").minus(read("250m")).to_string(), "750m");
        assert_eq!(read("1Gi").minus(read("2Gi")).to_string(), "-1Gi");
        assert_eq!(read("1").minus(read("-1")).to_string(), "2");
        assert_eq!(read("1.0001").round_up_to_units().to_string(), "2");
        assert_eq!(read("1.0001").round_up_to_milli().to_string(), "1001m");
        assert_eq!(read("-1.0001").round_up_to_milli().to_string(), "-1001m");
        assert!(read("4Mi").is_multiple_of(read("2Mi")) && !read("3Mi").is_multiple_of(read("2Mi")));
        assert!(!read("4Mi").is_multiple_of(read("0")));
        assert_eq!([read("1.5").value(), read("-1.5").value(), read("1e30").value()], [2, -2, i64::MAX]);
        assert_eq!(
            [read("1u").milli_value(), read("2").milli_value(), read("-1e30").milli_value()],
            [1, 2000, i64::MIN]
        );
        assert!(read("1e3").is_integer() && !read("1m").is_integer());
    }

    proptest! {
        #[test]
        fn a_canonical_form_is_its_own(text in "[+-]?[0-9]{0,40}(\\.[0-9]{0,30})?([numkMGTPE]|[KMGTPE]i|e[+-]?[0-9]{1,4})?") {
            if let Ok(first) = canonical(&text) {
                prop_assert_eq!(canonical(&first), Ok(first));
            }
        }

        #[test]
        fn a_canonical_form_is_the_same_amount(text in "[+-]?[0-9]{0,20}(\\.[0-9]{0,12})?([numkMGTPE]|[KMGTPE]i|e[+-]?[0-9]{1,4})?") {
            if let Ok(quantity) = Quantity::parse(&text) {
                prop_assert_eq!(Quantity::parse(&quantity.to_string()), Ok(quantity));
            }
        }

        #[test]
        fn small_amounts_compare_as_numbers(a in -10_000_i64..10_000, b in -10_000_i64..10_000) {
            let quantity = |number: i64| Quantity::parse(&format!("{number}m")).unwrap();
            prop_assert_eq!(quantity(a).cmp(&quantity(b)), a.cmp(&b));
            prop_assert_eq!(quantity(a).plus(quantity(b)), quantity(a + b));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = canonical(&text);
        }
    }
}
