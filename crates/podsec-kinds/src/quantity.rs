//! Quantities in the fields of objects, and the errors about them.

use std::fmt;

use podsec_apimachinery::field::{Error, Path};
use podsec_go::quantity;

use crate::resource_names;

/// An amount, as `podsec_go` reads, compares and writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(quantity::Quantity);

impl Quantity {
    /// Reads an amount; `None` when it is no quantity.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        quantity::Quantity::parse(text).ok().map(Self)
    }

    /// Rounds to a multiple of a thousandth, away from zero.
    #[must_use]
    pub(crate) fn round_up_to_milli(self) -> Self {
        Self(self.0.round_up_to_milli())
    }

    /// Whether it is below zero.
    pub(crate) fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    /// Whether it is zero.
    pub(crate) fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is a whole number of units.
    pub(crate) fn is_integer(self) -> bool {
        self.0.is_integer()
    }

    /// Whether it is a multiple of `other`.
    pub(crate) fn is_multiple_of(self, other: Self) -> bool {
        self.0.is_multiple_of(other.0)
    }

    /// The units, rounded away from zero.
    pub(crate) fn value(self) -> i64 {
        self.0.value()
    }

    /// The same in thousandths.
    pub(crate) fn milli_value(self) -> i64 {
        self.0.milli_value()
    }

    /// The sum of two.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0))
    }

    /// Thousandths as a float.
    #[expect(clippy::cast_precision_loss, reason = "as Kubernetes does")]
    pub(crate) fn milli_value_as_float(self) -> f64 {
        self.milli_value() as f64
    }

    /// The error about an amount below zero.
    pub(crate) fn negative(self, path: &Path) -> Option<Error> {
        self.is_negative().then(|| self.invalid(path, "must be greater than or equal to 0"))
    }

    /// The error about an amount that is zero or below it.
    pub(crate) fn not_positive(self, path: &Path) -> Option<Error> {
        (self.is_negative() || self.is_zero()).then(|| self.invalid(path, "must be greater than zero"))
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
        if resource_names::is_integer(name) && self.milli_value() % 1000 != 0 {
            errors.push(self.invalid(path, "must be an integer"));
        }
        errors
    }
}

impl fmt::Display for Quantity {
    /// The canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
