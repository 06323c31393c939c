//! The version of Kubernetes that everything here follows: kinds, fields, defaults, discovery, and what is said of it.

/// The major version.
pub const MAJOR: u32 = 1;
/// The minor version.
pub const MINOR: u32 = 37;
/// The version as nodes and documents name it.
pub const VERSION: &str = "v1.37.0";
/// The same without its patch, as OpenAPI documents name it.
pub const RELEASE: &str = "1.37";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Definitions;

    #[test]
    fn the_version_is_told_in_one_way() {
        assert_eq!(VERSION, format!("v{MAJOR}.{MINOR}.0"));
        assert_eq!(RELEASE, format!("{MAJOR}.{MINOR}"));
    }

    #[test]
    fn the_definitions_are_those_of_the_version() {
        // A field of pods that came with it.
        let pod = Definitions::builtin().kind("", "v1", "Pod").unwrap();
        assert!(pod.property("spec").unwrap().property("schedulingGroup").is_some());
    }
}
