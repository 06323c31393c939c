//! Formats that texts may have, by name.

use podsec_apimachinery::name;

use super::url;

/// A format that a text may have.
#[derive(Debug)]
pub struct NamedFormat {
    /// Its name in `format.NAME()`.
    pub(crate) function: &'static str,
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// The length of a pattern that is as costly, in characters.
    pub(crate) regex_size: u64,
    pub(crate) validate: fn(&str) -> Vec<String>,
}

/// The length of the pattern by which costs of all formats are estimated, in characters.
pub(crate) const LONGEST_REGEX: u64 = 128;

/// All of them, in the order of their constructors.
pub(crate) static FORMATS: [NamedFormat; 13] = [
    NamedFormat {
        function: "dns1123Label",
        regex_size: 30,
        name: "DNS1123Label",
        validate: name::dns1123_label,
    },
    NamedFormat {
        function: "dns1123Subdomain",
        regex_size: 60,
        name: "DNS1123Subdomain",
        validate: name::dns1123_subdomain,
    },
    NamedFormat {
        function: "dns1035Label",
        regex_size: 30,
        name: "DNS1035Label",
        validate: name::dns1035_label,
    },
    NamedFormat {
        function: "qualifiedName",
        regex_size: 60,
        name: "QualifiedName",
        validate: name::label_key,
    },
    NamedFormat {
        function: "dns1123LabelPrefix",
        regex_size: 30,
        name: "DNS1123LabelPrefix",
        validate: |text| name::dns1123_label(&prefix(text)),
    },
    NamedFormat {
        function: "dns1123SubdomainPrefix",
        regex_size: 60,
        name: "DNS1123SubdomainPrefix",
        validate: |text| name::dns1123_subdomain(&prefix(text)),
    },
    NamedFormat {
        function: "dns1035LabelPrefix",
        regex_size: 30,
        name: "DNS1035LabelPrefix",
        validate: |text| name::dns1035_label(&prefix(text)),
    },
    NamedFormat { function: "labelValue", regex_size: 40, name: "LabelValue", validate: name::label_value },
    NamedFormat {
        function: "uri",
        regex_size: 1104,
        name: "URI",
        validate: |text| url::parse(text).err().into_iter().collect(),
    },
    NamedFormat {
        function: "uuid",
        regex_size: 70,
        name: "uuid",
        validate: |text| unless(is_uuid(text), "does not match the UUID format"),
    },
    NamedFormat {
        function: "byte",
        regex_size: 84,
        name: "byte",
        validate: |text| unless(is_base64(text), "invalid base64"),
    },
    NamedFormat {
        function: "date",
        regex_size: 70,
        name: "date",
        validate: |text| unless(is_date(text), "invalid date"),
    },
    NamedFormat {
        function: "datetime",
        regex_size: 70,
        name: "datetime",
        validate: |text| unless(is_date_time(text), "invalid datetime"),
    },
];

fn unless(fits: bool, message: &str) -> Vec<String> {
    if fits { Vec::new() } else { vec![message.to_owned()] }
}

/// A prefix that ends with a dash is judged as if a letter followed it.
fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(before) if !before.is_empty() => format!("{before}a"),
        _ => text.to_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    let places = [8, 13, 18, 23];
    let bare = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let dashed = text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if places.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    bare || dashed
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_date_time(text: &str) -> bool {
    text.get(10..11).is_some_and(|separator| matches!(separator, "T" | "t"))
        && text.to_ascii_uppercase().parse::<jiff::Timestamp>().is_ok()
}
