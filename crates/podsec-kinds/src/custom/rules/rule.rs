//! The rules of one node of a schema, compiled.

use podsec_cel::schema::SelfType;
use podsec_cel::{CompileError, Environment, Program, Type};
use serde_json::Value;

use crate::custom::field_path;
use crate::object::Fields;

/// One of `x-kubernetes-validations`, compiled.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What judges a value; `None` for a rule without text. An error is one of compilation.
    pub(crate) program: Result<Option<Program>, String>,
    /// What one evaluation may cost at most, by the sizes that the schema allows.
    pub(crate) cost: u64,
    /// Whether the rule compares with the stored value.
    pub(crate) uses_old_self: bool,
    /// What says why a value is refused, if anything does. An error is one of compilation.
    pub(crate) message: Option<Result<Program, String>>,
    /// What that may cost at most.
    pub(crate) message_cost: u64,
    /// What the rule says besides its expressions.
    pub(super) words: Words,
}

/// What a rule says besides its expressions.
#[derive(Debug)]
pub(super) struct Words {
    /// Whether the stored value is optional: then the rule also judges what is new.
    pub(super) optional_old_self: bool,
    /// What is said about a refused value.
    pub(super) message: String,
    /// What errors name the rule by: its message, or its text.
    pub(super) name: String,
    /// The text of the expression for messages.
    pub(super) expression: String,
    /// As which kind of error the refusal counts.
    pub(super) reason: String,
    /// The field below the value that is refused; empty for the value itself.
    pub(super) field: String,
}

/// The rules of a node with the type of its values.
#[derive(Debug)]
pub(crate) struct NodeRules {
    /// In their order.
    pub(crate) rules: Vec<Rule>,
    /// How often a value of the node may stand in one request, by its least size.
    pub(crate) cardinality: u64,
}

impl NodeRules {
    /// Compiles `rules` for values of the schema `node`; `None` when that has no type that expressions know. `root` is set
    /// for whole objects, embedded ones too.
    pub(crate) fn compile(rules: &[Value], node: &Value, root: bool) -> Option<Self> {
        let of = SelfType::of(node, root)?;
        let rules = rules.iter().map(|rule| Rule::compile(rule, node, &of)).collect();
        Some(Self { rules, cardinality: of.cardinality() })
    }
}

impl Rule {
    fn compile(rule: &Value, node: &Value, of: &SelfType) -> Self {
        let words = Words::of(rule, node);
        let environment = of.environment(words.optional_old_self);
        let mut compiled =
            Self { program: Ok(None), cost: 0, uses_old_self: false, message: None, message_cost: 0, words };
        let text = rule.text("rule");
        if text.trim().is_empty() {
            return compiled;
        }
        let program = program(&environment, text, &Type::Bool)
            .map_err(|error| error.words("", "cel expression must evaluate to a bool"));
        let message = rule.text("messageExpression");
        if let Ok(program) = &program {
            compiled.cost = program.estimate(of).max;
            if !message.is_empty() {
                let message = self::program(&environment, message, &Type::String).map_err(|error| {
                    error.words("messageExpression ", "messageExpression must evaluate to a string")
                });
                compiled.message_cost = message.as_ref().map_or(0, |program| program.estimate(of).max);
                compiled.message = Some(message);
            }
            compiled.uses_old_self = program.uses("oldSelf");
        }
        compiled.program = program.map(Some);
        compiled
    }
}

impl Words {
    fn of(rule: &Value, node: &Value) -> Self {
        let message = rule.text("message").trim();
        let name = if rule.text("message").is_empty() { rule.text("rule").trim() } else { message };
        Self {
            optional_old_self: rule.flag("optionalOldSelf"),
            message: if rule.text("message").is_empty() {
                format!("failed rule: {name}")
            } else {
                message.to_owned()
            },
            name: name.to_owned(),
            expression: rule.text("messageExpression").to_owned(),
            reason: rule.text("reason").to_owned(),
            field: field_path::normalized(rule.text("fieldPath"), node).unwrap_or_default(),
        }
    }
}

/// Why there is no program.
enum Unusable {
    Compile(CompileError),
    Type,
}

impl Unusable {
    fn words(self, what: &str, of_type: &str) -> String {
        match self {
            Self::Type => of_type.to_owned(),
            Self::Compile(error) if error.instantiation => {
                let before = if what.is_empty() { "program " } else { what };
                format!("{before}instantiation failed: {}", error.message)
            }
            Self::Compile(error) => format!("{what}compilation failed: {error}"),
        }
    }
}

fn program(environment: &Environment, text: &str, result: &Type) -> Result<Program, Unusable> {
    let program = environment.compile(text).map_err(Unusable::Compile)?;
    if program.result_type() == *result { Ok(program) } else { Err(Unusable::Type) }
}
