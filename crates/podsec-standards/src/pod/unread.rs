//! Fields that no check reads but that Kubernetes decodes before anything is judged: a value of the wrong type
//! there is an error all the same.

use super::decode::{Decode, Member, Object};
use super::list::List;
use super::reader::{Reader, Result};

/// An object whose members are skipped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnyObject;

impl<'de> Object<'de> for AnyObject {
    const EXPECTED: &'static str = "an object";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        member.skip()
    }
}

/// A list of objects.
pub(crate) type AnyObjects = List<AnyObject>;

/// A string, forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnyText;

impl Decode<'_> for AnyText {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        reader.text().map(drop)
    }
}

/// A list of strings.
pub(crate) type AnyTexts = List<AnyText>;

/// A Fibre Channel volume: only its number has been seen to be wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FibreChannel;

impl<'de> Object<'de> for FibreChannel {
    const EXPECTED: &'static str = "an object";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "lun" => member.read(&mut 0_i32),
            _ => member.skip(),
        }
    }
}

/// The resources of a container.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resources;

impl<'de> Object<'de> for Resources {
    const EXPECTED: &'static str = "resource requirements";
    const POINTER: bool = false;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        match member.name {
            "requests" | "limits" => member.read(&mut Quantities),
            "claims" => member.read(&mut AnyObjects::default()),
            _ => member.skip(),
        }
    }
}

/// Amounts by the name of what they are amounts of.
#[derive(Clone, Copy, Debug, Default)]
struct Quantities;

impl<'de> Object<'de> for Quantities {
    const EXPECTED: &'static str = "quantities";
    const POINTER: bool = true;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        member.read(&mut Quantity)
    }
}

/// An amount: `2`, `0.5`, `250m`, `1Gi`, `1e3`, in quotes or without.
struct Quantity;

impl Decode<'_> for Quantity {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        reader.number_or_text("a quantity", is_quantity)
    }
}

fn is_quantity(text: &str) -> bool {
    let text = text.trim();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let after_whole = unsigned.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let suffix = match after_whole.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => after_whole,
    };
    let number = unsigned.len() - suffix.len();
    let has_digits = unsigned.bytes().take(number).any(|byte| byte.is_ascii_digit());
    has_digits && is_suffix(suffix)
}

fn is_suffix(suffix: &str) -> bool {
    let exponent =
        suffix.strip_prefix(['e', 'E']).map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let is_exponent =
        exponent.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    is_exponent || SUFFIXES.contains(&suffix)
}

const SUFFIXES: &[&str] =
    &["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

#[cfg(test)]
mod tests {
    use super::is_quantity;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for text in ["0", "1", "-1.5", "+2", ".5", "5.", "250m", "1Gi", "1e3", "1E-3", "12E", " 1 ", "1k"] {
            assert!(is_quantity(text), "{text:?}");
        }
        for text in ["", ".", "-", "Gi", "1gi", "1K", "1 Gi", "1e", "1mm", "1,5", "0x1", "1.2.3", "cpu"] {
            assert!(!is_quantity(text), "{text:?}");
        }
    }
}
