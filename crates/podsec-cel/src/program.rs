//! Compiling an expression, and the program that comes of it.

use std::fmt;

use crate::check::{self, Checked};
use crate::cost_range::{CostRange, SizeHints};
use crate::environment::Environment;
use crate::error::{Budget, Error};
use crate::eval::{self, Plan, Scope};
use crate::syntax::{self, Errors, Parsed, Source};
use crate::types::Type;
use crate::value::Value;
use crate::variables::Variables;

impl Environment {
    /// Checks an expression and makes it ready to run.
    ///
    /// # Errors
    /// The words of Kubernetes' compiler, each with the line and a mark under the place.
    pub fn compile(&self, text: &str) -> Result<Program, CompileError> {
        let source = Source::new(text);
        let mut errors = Errors::default();
        let parsed = syntax::parse(&source, self.dialect, &mut errors);
        let Some(parsed) = parsed else { return Err(CompileError::of_text(errors.display(&source))) };
        let checked = check::check(&parsed, self, &mut errors);
        if errors.is_empty() {
            check::check_literals(&parsed, &checked, &mut errors);
        }
        if !errors.is_empty() {
            return Err(CompileError::of_text(errors.display(&source)));
        }
        let plan = eval::plan(&checked, &parsed.root)
            .map_err(|error| CompileError { message: error.to_string(), instantiation: true })?;
        Ok(Program { parsed, checked, plan })
    }
}

/// Why an expression is refused before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong, one error after the other.
    pub message: String,
    /// Whether the text is right, and what it says of constants alone fails already, as `1 / 0` does.
    pub instantiation: bool,
}

impl CompileError {
    fn of_text(message: String) -> Self {
        Self { message, instantiation: false }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.instantiation { "program instantiation failed: " } else { "" };
        write!(formatter, "{before}{}", self.message)
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

    /// Whether it names a variable. A name that a macro binds counts too, as in Kubernetes.
    pub fn uses(&self, variable: &str) -> bool {
        self.checked.names(variable)
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
