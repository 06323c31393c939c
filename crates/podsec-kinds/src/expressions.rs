//! Expressions in CEL that stand in objects: the one place where they are compiled.
//!
//! There is no compiler yet: [`compile`] finds nothing wrong, and whoever writes an expression is warned that it is not
//! evaluated.

use podsec_apimachinery::field::{Error, Path};

/// What an expression is for: it decides which variables there are, and what type the result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether a webhook or policy is asked about a request.
    MatchCondition,
    /// Whether a request is allowed.
    Validation,
    /// What is said about a request that is not allowed.
    Message,
    /// What is written into the audit log.
    AuditAnnotation,
    /// A value that later expressions of the same policy use.
    Variable,
    /// What a server-side apply changes.
    ApplyConfiguration,
    /// What a JSON patch changes.
    JsonPatch,
    /// Which devices are fit.
    DeviceSelector,
    /// Whether a value is fit for the schema of a custom resource.
    SchemaRule,
    /// What is said about a value that is not.
    SchemaMessage,
}

/// What an expression may use.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "read by the compiler, which is not there yet")]
pub(crate) struct Environment<'a> {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Whether there are parameters.
    pub(crate) params: bool,
    /// The variables before it, by name, with their expressions.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Whether the stored object has the same expression: it may use what is deprecated.
    pub(crate) stored: bool,
}

impl Environment<'_> {
    /// An environment without parameters and variables.
    pub(crate) fn of(purpose: Purpose) -> Self {
        Self { purpose, params: false, variables: &[], stored: false }
    }
}

/// What is wrong with an expression that is not empty. `shown` is what the error shows of it.
pub(crate) fn compile(
    _expression: &str,
    _shown: &str,
    _environment: Environment<'_>,
    _path: &Path,
) -> Option<Error> {
    None
}

/// What the author of an expression is told while nothing evaluates it.
pub(crate) fn not_evaluated(path: &Path, consequence: &str) -> String {
    format!("{path}: podsec serve does not evaluate CEL: {consequence}")
}

/// Whether a name may stand in an expression as it is.
pub(crate) fn is_identifier(name: &str) -> bool {
    let starts = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    let legal = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    starts && legal && !RESERVED.contains(&name)
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
