//! Amounts: `2`, `0.5`, `250m`, `1Gi`, `1e3`, in quotes or without.

/// Whether Kubernetes takes this number or string, as it is written in JSON, for a quantity. A quantity need not
/// have digits: without any it is zero, unless the suffix is too large or too small for a quick look.
pub(super) fn is_quantity(written: &str) -> bool {
    // What is escaped stays so: Kubernetes reads what is between the quotes.
    let text = written.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(written).trim();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let after_whole = unsigned.trim_start_matches(is_digit);
    let suffix = match after_whole.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(is_digit),
        None => after_whole,
    };
    let number = unsigned.len() - suffix.len();
    let has_digits = unsigned.bytes().take(number).any(|byte| byte.is_ascii_digit());
    match suffix_of(suffix) {
        None => false,
        Some(Suffix::Ordinary) => !text.is_empty(),
        Some(Suffix::Extreme) => has_digits,
    }
}

enum Suffix {
    Ordinary,
    /// So large or small that Kubernetes computes with all digits, of which there must be some.
    Extreme,
}

fn suffix_of(suffix: &str) -> Option<Suffix> {
    if ORDINARY.contains(&suffix) {
        return Some(Suffix::Ordinary);
    }
    if EXTREME.contains(&suffix) {
        return Some(Suffix::Extreme);
    }
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some(if exponent < -9 { Suffix::Extreme } else { Suffix::Ordinary })
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

const ORDINARY: &[&str] = &["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti"];
const EXTREME: &[&str] = &["Pi", "Ei"];

#[cfg(test)]
mod tests {
    use super::is_quantity;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for text in [
            "0",
            "1",
            "-1.5",
            "+2",
            ".5",
            "5.",
            "250m",
            "1Gi",
            "1e3",
            "1E-3",
            "12E",
            "1k",
            "1Ei",
            "0Pi",
            "1e-10",
            "1e9223372036854775807",
            "\" 1 \"",
            "\"\t1Ki\"",
            "-",
            "+",
            ".",
            "-.",
            "Gi",
            "-Ti",
            ".m",
            "E",
            "e3",
        ] {
            assert!(is_quantity(text), "{text:?}");
        }
        for text in [
            "",
            "\"\"",
            "\" \"",
            "1gi",
            "1K",
            "1 Gi",
            "1e",
            "1mm",
            "1,5",
            "0x1",
            "1.2.3",
            "cpu",
            "Ei",
            ".Pi",
            "e-10",
            "1e9223372036854775808",
            "--1",
            "1e3.5",
            r#""1\u0047i""#,
            "true",
            "null",
            "1iG",
        ] {
            assert!(!is_quantity(text), "{text:?}");
        }
    }
}
