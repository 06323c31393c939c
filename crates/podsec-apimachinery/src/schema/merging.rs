//! How lists, maps and fields merge: `x-kubernetes-list-type` and its siblings.

/// How server-side apply merges a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// Replaced as a whole.
    Atomic,
    /// Scalars, each at most once.
    Set,
    /// Structs told apart by [`Schema::list_map_keys`](super::Schema::list_map_keys).
    Map,
}

/// How server-side apply merges a map or a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// Replaced as a whole.
    Atomic,
    /// Merged key by key.
    Granular,
}

/// What a strategic merge patch does with a field: `x-kubernetes-patch-strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// A list merges, by [`Schema::patch_merge_key`](super::Schema::patch_merge_key) or, without one, as a set; else it is replaced.
    pub merge: bool,
    /// `$retainKeys` is understood.
    pub retain_keys: bool,
}
