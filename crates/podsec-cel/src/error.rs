//! Why an expression yields no value, and how much it may cost.

use std::fmt;

use crate::value::Value;

/// Why an expression yields no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The expression failed; `&&`, `||`, `all` and `exists` may absorb it.
    Failed(String),
    /// It costs more than it may. Nothing absorbs that.
    CostExceeded,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) => formatter.write_str(message),
            Self::CostExceeded => formatter.write_str("operation cancelled: actual cost limit exceeded"),
        }
    }
}

impl std::error::Error for Error {}

/// The error of a function that has no overload for these arguments.
pub(crate) fn no_such_overload(function: &str, args: &[Value]) -> Error {
    let types: Vec<String> = args.iter().map(Value::type_name).collect();
    Error::new(format!("no such overload: {function}({})", types.join(", ")))
}

/// What has been spent, in Kubernetes' units of cost, and how much may be.
#[derive(Clone, Debug)]
pub struct Budget {
    spent: u64,
    limit: u64,
}

impl Budget {
    /// Nothing spent yet.
    pub fn new(limit: u64) -> Self {
        Self { spent: 0, limit }
    }

    /// What has been spent.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Spends.
    ///
    /// # Errors
    /// [`Error::CostExceeded`] when more has been spent than may be.
    pub(crate) fn spend(&mut self, cost: u64) -> Result<(), Error> {
        self.spent = self.spent.saturating_add(cost);
        self.check(0)
    }

    /// Whether `more` could be spent, for work that is paid for only when it is done.
    ///
    /// # Errors
    /// [`Error::CostExceeded`] when it could not.
    pub(crate) fn check(&self, more: u64) -> Result<(), Error> {
        if self.spent.saturating_add(more) > self.limit { Err(Error::CostExceeded) } else { Ok(()) }
    }
}
