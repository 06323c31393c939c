//! Label selectors, as text (`app=web,tier in (a,b),!old`) and as objects (`matchLabels`, `matchExpressions`).

mod object;
mod parse;
mod selector;
#[cfg(test)]
mod tests;

pub use object::{from_object, validate_object};
pub use selector::{Error, Operator, Requirement, Selector};
