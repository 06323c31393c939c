//! Names that may stand in an expression as they are.

/// Whether a name may stand in an expression as it is: letters, digits and underscores, and no reserved word.
///
/// ```
/// assert!(podsec_cel::is_identifier("replicas"));
/// assert!(!podsec_cel::is_identifier("my-field"));
/// assert!(!podsec_cel::is_identifier("namespace"));
/// ```
pub fn is_identifier(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    let legal = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    starts && legal && !is_reserved(name)
}

/// Whether the grammar keeps a word for itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
