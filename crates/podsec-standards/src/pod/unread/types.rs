//! The types of fields that no check reads, and whether a value has one.

use podsec_go::quantity;
use podsec_go::time::{self, Precision};

use super::super::reader::Member;
use super::super::reader::{Reader, Result};

/// Fields by their names.
pub(crate) type Fields = [(&'static str, Type)];

/// What a field holds. Anything may be `null`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    Boolean,
    Integer32,
    Integer64,
    Integers32,
    Integers64,
    /// A port by number or name.
    IntegerOrText,
    Object(&'static Fields),
    Objects(&'static Fields),
    Quantity,
    /// Quantities by the name of what they are quantities of.
    QuantityMap,
    Text,
    TextMap,
    Texts,
    Time,
}

impl Member<'_, '_> {
    /// Takes a value and forgets it, if it is of the type that the field of this name has.
    pub(crate) fn check(self, fields: &'static Fields) -> Result<()> {
        let name = self.name;
        check(name, self.value(), fields)
    }

    /// Takes an object of which only the presence matters.
    pub(crate) fn presence(self, kind: Type) -> Result<bool> {
        let reader = self.value();
        let present = !reader.null()?;
        if present {
            kind.check(reader)?;
        }
        Ok(present)
    }
}

/// Takes the value of the field of this name, if it is of the type that the field has.
pub(crate) fn check(name: &str, reader: &mut Reader<'_>, fields: &'static Fields) -> Result<()> {
    match fields.iter().find(|(field, _)| *field == name) {
        Some((_, kind)) => kind.check(reader),
        None => reader.skip(),
    }
}

impl Type {
    fn check(self, reader: &mut Reader<'_>) -> Result<()> {
        match self {
            Self::Boolean => reader.boolean().map(drop),
            Self::Integer32 => reader.integer::<i32>(INTEGER_32).map(drop),
            Self::Integer64 => reader.integer::<i64>(INTEGER_64).map(drop),
            Self::Integers32 => check_list(reader, Self::Integer32),
            Self::Integers64 => check_list(reader, Self::Integer64),
            Self::IntegerOrText => reader.number_or_text("an integer of 32 bits or a string", is_port),
            Self::Object(fields) => reader.object("an object", |member| member.check(fields)).map(drop),
            Self::Objects(fields) => check_list(reader, Self::Object(fields)),
            Self::Quantity => reader.number_or_text("a quantity", is_quantity),
            Self::QuantityMap => check_map(reader, "quantities", Self::Quantity),
            Self::Text => reader.text().map(drop),
            Self::TextMap => check_map(reader, "an object of strings", Self::Text),
            Self::Texts => check_list(reader, Self::Text),
            Self::Time => reader.number_or_text("a time", is_time),
        }
    }
}

pub(super) fn check_list(reader: &mut Reader<'_>, element: Type) -> Result<()> {
    reader.list(|_, reader| element.check(reader)).map(drop)
}

pub(super) fn check_map(reader: &mut Reader<'_>, expected: &'static str, value: Type) -> Result<()> {
    reader.object(expected, |member| value.check(member.value())).map(drop)
}

/// Whether Kubernetes takes this number or string, as it is written in JSON, for a quantity.
pub(super) fn is_quantity(written: &str) -> bool {
    // What is escaped stays so: Kubernetes reads what is between the quotes.
    quantity::is_valid(between_quotes(written).unwrap_or(written).trim())
}

/// Whether Kubernetes takes this number or string, as it is written in JSON, for a time.
pub(super) fn is_time(written: &str) -> bool {
    between_quotes(written).is_some_and(|text| time::parse(text, Precision::Seconds).is_ok())
}

pub(super) fn between_quotes(written: &str) -> Option<&str> {
    written.strip_prefix('"')?.strip_suffix('"')
}

pub(super) fn is_port(written: &str) -> bool {
    written.starts_with('"') || written.parse::<i32>().is_ok()
}

pub(super) const INTEGER_32: &str = "an integer of 32 bits";
pub(super) const INTEGER_64: &str = "an integer of 64 bits";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_numbers_and_strings_with_space_around() {
        for text in ["0", "-1.5", "1e3", "\" 1 \"", "\"\t1Ki\"", "\"250m\"", "\"-\""] {
            assert!(is_quantity(text), "{text:?}");
        }
        for text in ["\"\"", "\" \"", "\"1 Gi\"", r#""1\u0047i""#, "true"] {
            assert!(!is_quantity(text), "{text:?}");
        }
    }

    #[test]
    fn times_are_strings() {
        assert!(is_time("\"2026-11-22T03:04:05Z\""));
        for text in ["1700000000", "\"\"", "\"2026-11-22T03:04:05Z"] {
            assert!(!is_time(text), "{text}");
        }
    }
}
