//! What an expression may use: variables with their types, messages, functions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::check::{self, Checked, CostRange, SizeHints};
use crate::declaration::{Function, MessageTable, Messages, functions};
use crate::eval::{self, Budget, Error, Plan, Scope};
use crate::syntax::{self, Dialect, Errors, Parsed, Source};
use crate::types::Type;
use crate::value::Value;

/// The values of an expression's variables, found by name.
pub trait Variables {
    /// The variable's value; `None` when there is none of this name. What working it out costs is spent.
    fn get(&self, name: &str, budget: &mut Budget) -> Option<Result<Value, Error>>;

    /// The field of a variable whose fields are worked out one by one, as the `variables` of a policy are; `None` for
    /// every other variable.
    fn field(&self, variable: &str, field: &str, budget: &mut Budget) -> Option<Result<Value, Error>> {
        let _ = (variable, field, budget);
        None
    }
}

/// Variables whose values are all known.
impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str, _: &mut Budget) -> Option<Result<Value, Error>> {
        self.get(name).cloned().map(Ok)
    }
}

/// What an expression may use. Made once, used for many expressions.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<String, Type>,
    messages: Arc<dyn Messages>,
    mutation: bool,
    dialect: Dialect,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            messages: Arc::new(MessageTable::default()),
            mutation: false,
            dialect: Dialect::default(),
        }
    }
}

impl Environment {
    /// Adds a variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, of: Type) -> Self {
        self.variables.insert(name.to_owned(), of);
        self
    }

    /// Sets where messages and their fields are found.
    #[must_use]
    pub fn with_messages(mut self, messages: Arc<dyn Messages>) -> Self {
        self.messages = messages;
        self
    }

    /// Adds what mutations use besides: `jsonpatch.escapeKey`.
    #[must_use]
    pub fn with_mutation(mut self) -> Self {
        self.mutation = true;
        self
    }

    pub(crate) fn messages(&self) -> &dyn Messages {
        &*self.messages
    }

    pub(crate) fn function(&self, name: &str) -> Option<&'static Function> {
        let function = functions().get(name)?;
        (self.mutation || function.name != "jsonpatch.escapeKey").then_some(function)
    }

    /// The type of a variable, or the type of the type of this name.
    pub(crate) fn resolve(&self, name: &str) -> Option<Type> {
        if let Some(of) = self.variables.get(name) {
            return Some(of.clone());
        }
        let named = match name {
            "bool" => Type::Bool,
            "bytes" => Type::Bytes,
            "double" => Type::Double,
            "int" => Type::Int,
            "list" => Type::list(Type::Dyn),
            "map" => Type::map(Type::Dyn, Type::Dyn),
            "null_type" => Type::Null,
            "string" => Type::String,
            "type" => Type::Type(None),
            "uint" => Type::Uint,
            "google.protobuf.Duration" => Type::Duration,
            "google.protobuf.Timestamp" => Type::Timestamp,
            "optional_type" => Type::optional(Type::Dyn),
            "net.IP" | "net.CIDR" => Type::opaque(name),
            _ if OPAQUE_MESSAGES.contains(&name) || self.messages.contains(name) => Type::message(name),
            _ => return None,
        };
        Some(Type::Type(Some(Arc::new(named))))
    }

    /// Checks an expression and makes it ready to run.
    ///
    /// # Errors
    /// The words of Kubernetes' compiler, each with the line and a mark under the place.
    pub fn compile(&self, text: &str) -> Result<Program, CompileError> {
        let source = Source::new(text);
        let mut errors = Errors::default();
        let parsed = syntax::parse(&source, self.dialect, &mut errors);
        let Some(parsed) = parsed else { return Err(CompileError { message: errors.display(&source) }) };
        let checked = check::check(&parsed, self, &mut errors);
        if errors.is_empty() {
            check::check_literals(&parsed, &checked, &mut errors);
        }
        if !errors.is_empty() {
            return Err(CompileError { message: errors.display(&source) });
        }
        let plan = eval::plan(&checked, &parsed.root)
            .map_err(|error| CompileError { message: format!("program instantiation failed: {error}") })?;
        Ok(Program { parsed, checked, plan })
    }
}

/// Messages that functions make and that have no fields to select.
const OPAQUE_MESSAGES: &[&str] = &["kubernetes.Quantity", "kubernetes.URL", "kubernetes.NamedFormat"];

/// Why an expression is refused before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong, one error after the other.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for CompileError {}

/// A checked expression, ready to run.
#[derive(Debug)]
pub struct Program {
    parsed: Parsed,
    checked: Checked,
    plan: Plan,
}

impl Program {
    /// The type of what it yields.
    pub fn result_type(&self) -> Type {
        self.checked.type_of(self.parsed.root.id)
    }

    /// What it may cost, by what `sizes` knows of the variables.
    pub fn estimate(&self, sizes: &dyn SizeHints) -> CostRange {
        check::estimate(&self.parsed, &self.checked, sizes)
    }

    /// Runs it. What it costs is spent, whether it succeeds or not.
    ///
    /// # Errors
    /// What the expression fails with, or that it costs more than is left.
    pub fn evaluate(&self, variables: &dyn Variables, budget: &mut Budget) -> Result<Value, Error> {
        eval::run(&self.plan, &Scope::Variables(variables), budget)
    }
}
