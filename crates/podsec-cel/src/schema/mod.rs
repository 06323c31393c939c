//! Expressions over objects whose schema is known: the types of `self` and `oldSelf` in the rules of a
//! CustomResourceDefinition, the values of objects by them, and the sizes that costs are estimated with.
//!
//! ```
//! use podsec_cel::schema::SelfType;
//! use serde_json::json;
//!
//! let schema = json!({ "type": "object", "properties": { "replicas": { "type": "integer" } } });
//! let of = SelfType::of(&schema, false).unwrap();
//! assert!(of.environment(false).compile("self.replicas > 0").is_ok());
//! assert!(of.environment(false).compile("self.replica > 0").is_err());
//! ```

mod declared;
mod escape;
mod value;

pub use declared::SelfType;
pub use escape::escape;
pub use value::value;
