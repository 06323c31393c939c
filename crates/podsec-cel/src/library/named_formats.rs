//! Named formats: `format.dns1123Label().validate("my-name")`.

use podsec_apimachinery::name;

use super::{id, unfit, url};
use crate::declaration::{Function, member, overload};
use crate::eval::Error;
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

/// A format that a text may have.
#[derive(Debug)]
pub struct Format {
    /// Its name in `format.NAME()`.
    pub(crate) function: &'static str,
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// The length of a pattern that is as costly, in characters.
    pub(crate) regex_size: u64,
    validate: fn(&str) -> Vec<String>,
}

/// The length of the pattern by which costs of all formats are estimated, in characters.
pub(crate) const LONGEST_REGEX: u64 = 128;

static FORMATS: [Format; 13] = [
    Format { function: "dns1123Label", regex_size: 30, name: "DNS1123Label", validate: name::dns1123_label },
    Format {
        function: "dns1123Subdomain",
        regex_size: 60,
        name: "DNS1123Subdomain",
        validate: name::dns1123_subdomain,
    },
    Format { function: "dns1035Label", regex_size: 30, name: "DNS1035Label", validate: name::dns1035_label },
    Format { function: "qualifiedName", regex_size: 60, name: "QualifiedName", validate: name::label_key },
    Format {
        function: "dns1123LabelPrefix",
        regex_size: 30,
        name: "DNS1123LabelPrefix",
        validate: |text| name::dns1123_label(&prefix(text)),
    },
    Format {
        function: "dns1123SubdomainPrefix",
        regex_size: 60,
        name: "DNS1123SubdomainPrefix",
        validate: |text| name::dns1123_subdomain(&prefix(text)),
    },
    Format {
        function: "dns1035LabelPrefix",
        regex_size: 30,
        name: "DNS1035LabelPrefix",
        validate: |text| name::dns1035_label(&prefix(text)),
    },
    Format { function: "labelValue", regex_size: 40, name: "LabelValue", validate: name::label_value },
    Format {
        function: "uri",
        regex_size: 1104,
        name: "URI",
        validate: |text| url::parse(text).err().into_iter().collect(),
    },
    Format {
        function: "uuid",
        regex_size: 70,
        name: "uuid",
        validate: |text| unless(is_uuid(text), "does not match the UUID format"),
    },
    Format {
        function: "byte",
        regex_size: 84,
        name: "byte",
        validate: |text| unless(is_base64(text), "invalid base64"),
    },
    Format {
        function: "date",
        regex_size: 70,
        name: "date",
        validate: |text| unless(is_date(text), "invalid date"),
    },
    Format {
        function: "datetime",
        regex_size: 70,
        name: "datetime",
        validate: |text| unless(is_date_time(text), "invalid datetime"),
    },
];

pub(super) fn functions() -> Vec<Function> {
    let format = Type::message("kubernetes.NamedFormat");
    let wrong = Type::optional(Type::list(Type::String));
    let mut functions: Vec<Function> = FORMATS
        .iter()
        .zip(CONSTRUCTORS)
        .map(|(named, body)| {
            let name = id(format!("format.{}", named.function));
            Function::new(name, body, vec![overload(name, &[], &format)])
        })
        .collect();
    functions.push(Function::new(
        "format.named",
        |args, _| match args {
            [Value::String(wanted)] => {
                let found = FORMATS.iter().find(|format| format.function == &**wanted);
                Ok(found.map_or(Value::NONE, |format| Value::some(Value::opaque(Opaque::Format(format)))))
            }
            _ => Err(unfit("format.named", args)),
        },
        vec![overload("format-named", &[Type::String], &Type::optional(format.clone()))],
    ));
    functions.push(Function::new(
        "validate",
        |args, _| match args {
            [Value::Opaque(opaque), Value::String(text)] => match &**opaque {
                Opaque::Format(format) => {
                    let wrong: Vec<Value> = (format.validate)(text).into_iter().map(Value::string).collect();
                    Ok(if wrong.is_empty() { Value::NONE } else { Value::some(Value::list(wrong)) })
                }
                _ => Err(unfit("validate", args)),
            },
            _ => Err(unfit("validate", args)),
        },
        vec![member("format-validate", &[format, Type::String], &wrong)],
    ));
    functions
}

/// A constructor for each format: a body holds no state, so that each is its own.
const CONSTRUCTORS: [crate::declaration::Body; 13] = [
    |_, _| named(0),
    |_, _| named(1),
    |_, _| named(2),
    |_, _| named(3),
    |_, _| named(4),
    |_, _| named(5),
    |_, _| named(6),
    |_, _| named(7),
    |_, _| named(8),
    |_, _| named(9),
    |_, _| named(10),
    |_, _| named(11),
    |_, _| named(12),
];

fn named(index: usize) -> Result<Value, Error> {
    FORMATS
        .get(index)
        .map(|format| Value::opaque(Opaque::Format(format)))
        .ok_or_else(|| Error::new("no such overload"))
}

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
    let dashes = [8, 13, 18, 23];
    let bare = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let dashed = text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    bare || dashed
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !text.is_empty()
        && text.len() % 4 == 0
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
