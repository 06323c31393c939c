//! The query string of a request, read as Kubernetes reads it: first value wins, unknown names are ignored.

use std::borrow::Cow;

/// The decoded pairs of a query string, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the `?`.
    pub(crate) fn parse(raw: &str) -> Self {
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        Self(form_urlencoded::parse(raw.as_bytes()).map(owned).collect())
    }

    /// The first value of `name`; `None` when it is absent or empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(key, _)| key == name);
        first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of `name`.
    pub(crate) fn values<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A flag as Go's conversion reads it: absent, `false` and `0` are false, all else is true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.optional_flag(name).unwrap_or(false)
    }

    /// A flag that tells absence from false.
    pub(crate) fn optional_flag(&self, name: &str) -> Option<bool> {
        let value = self.values(name).next()?;
        Some(!(value == "0" || value.eq_ignore_ascii_case("false")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_pairs_are_skipped_and_the_first_value_wins() {
        let query = Query::parse("&limit=500&limit=3&watch&x=a%20b+c");
        assert_eq!(query.value("limit"), Some("500"));
        assert_eq!(query.value("x"), Some("a b c"));
        assert!(query.flag("watch"));
        assert!(!query.flag("force"));
    }
}
