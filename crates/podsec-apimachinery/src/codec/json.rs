//! JSON bodies: texts as deep as Kubernetes reads them, and trees of a depth for which every stack is long enough.

pub(crate) use podsec_go::json::number;
pub use podsec_go::json::{Json, MAX_DEPTH, OutOfRange, SyntaxError};
use serde_json::Value;

/// How deep the tree of an object may nest.
///
/// Kubernetes reads texts of 10,000 levels ([`MAX_DEPTH`]), and so do we: what no field of a kind takes is dropped. What a
/// custom resource, a patch or a field of any JSON keeps becomes a tree, and trees are walked by functions that call
/// themselves. A thread that serves requests needs a stack of [`STACK_BYTES`].
pub const MAX_TREE_DEPTH: usize = 1_000;

/// The stack of a thread that handles trees of [`MAX_TREE_DEPTH`]; pages that are never touched cost nothing.
pub const STACK_BYTES: usize = 64 << 20;

/// Reads a whole text as one value.
///
/// # Errors
/// The first place where the text is not JSON.
pub fn parse(text: &[u8]) -> Result<Json<'_>, SyntaxError> {
    podsec_go::json::parse(text, MAX_DEPTH)
}

/// Reads a whole text as a tree: an object of [`MAX_TREE_DEPTH`], or a list or event with such objects in it.
///
/// # Errors
/// The first place where the text is not JSON, a number that is too large for a float, or more levels than that.
pub fn parse_tree(text: &[u8]) -> Result<Value, TreeError> {
    // The common case, in half the time: serde_json gives up at 128 levels.
    if let Ok(value) = serde_json::from_slice(text) {
        return Ok(value);
    }
    Ok(podsec_go::json::parse(text, MAX_TREE_DEPTH + AROUND)?.to_value()?)
}

/// How many levels stand around the object in an answer or event that holds it.
const AROUND: usize = 8;

/// Why a text is no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The text is no JSON, or nests too deep.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A number is too large.
    #[error(transparent)]
    Number(#[from] OutOfRange),
}

/// How many lists and objects stand within each other at most; 0 for a scalar. Costs no stack.
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 0)];
    while let Some((value, above)) = open.pop() {
        let depth = match value {
            Value::Array(items) => {
                open.extend(items.iter().map(|item| (item, above + 1)));
                above + 1
            }
            Value::Object(members) => {
                open.extend(members.values().map(|member| (member, above + 1)));
                above + 1
            }
            _ => above,
        };
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_as_deep_as_in_kubernetes_and_trees_as_deep_as_stacks() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(10_000).as_bytes()).is_ok());
        assert_eq!(parse(nested(10_001).as_bytes()), Err(SyntaxError::Depth));
        let on_a_long_stack = move || {
            let tree = parse_tree(nested(MAX_TREE_DEPTH).as_bytes()).unwrap();
            assert_eq!(depth(&tree), MAX_TREE_DEPTH);
            let deeper = parse_tree(nested(MAX_TREE_DEPTH + AROUND + 1).as_bytes());
            assert_eq!(deeper, Err(TreeError::Syntax(SyntaxError::Depth)));
        };
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(on_a_long_stack).unwrap().join().unwrap();
        assert_eq!([depth(&json!(1)), depth(&json!({})), depth(&json!([1, {"a": [2]}]))], [0, 1, 3]);
    }
}
