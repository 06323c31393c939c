//! Kubernetes' Common Expression Language: the expressions of policies, webhooks' match conditions and the validation
//! rules of CustomResourceDefinitions.
//!
//! ```text
//! text ─► syntax ─► check (types, costs) ─► plan ─► eval ─► value, cost
//!                      └── declaration, library ───┘
//! ```
//!
//! An [`Environment`] says what an expression may use; [`Environment::compile`] checks it or tells what is wrong in the
//! words of Kubernetes' compiler; [`Program::evaluate`] runs it within a [`Budget`] of Kubernetes' own units, whatever it
//! loops over. Pure: no clock, socket, file or environment is read.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use podsec_cel::{Budget, Environment, Type, Value, limits};
//!
//! let environment = Environment::default().with_variable("object", Type::Dyn);
//! let program = environment.compile("object.spec.replicas <= 3").unwrap();
//! let object = Value::from_json(&serde_json::json!({ "spec": { "replicas": 5 } }));
//! let variables = BTreeMap::from([("object".to_owned(), object)]);
//! let mut budget = Budget::new(limits::PER_CALL);
//! let value = program.evaluate(&variables, &mut budget).unwrap();
//! assert!(matches!(value, Value::Bool(false)));
//! assert_eq!(budget.spent(), 4);
//! ```

pub mod authorizer;
mod check;
mod cost_range;
mod declaration;
mod devices;
mod environment;
mod error;
mod eval;
mod identifier;
pub mod kubernetes;
mod library;
pub mod limits;
mod mutation;
pub mod native;
mod opaque;
mod program;
pub mod schema;
mod syntax;
mod text;
mod types;
pub mod value;
mod variables;

pub use cost_range::{CostRange, SizeHints};
pub use declaration::{MessageTable, Messages};
pub use devices::{DeviceSizes, device_selector};
pub use environment::Environment;
pub use error::{Budget, Error};
pub use identifier::is_identifier;
pub use opaque::{Cidr, NamedFormat, Opaque, Quantity, Semver, Url};
pub use program::{CompileError, Program};
pub use types::Type;
pub use value::Value;
pub use variables::Variables;

/// The example of the README, which runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
