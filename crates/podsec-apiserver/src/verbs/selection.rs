//! Which objects a list, watch or deletecollection is about: its label and field selectors.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::selector::{field, label};
use serde_json::Value;

use crate::request::Query;
use podsec_kinds::Behaviour;

/// Label and field selector together, and the one name that a `/watch/` path may demand.
#[derive(Clone)]
pub(super) struct Selection {
    labels: label::Selector,
    fields: field::Selector,
    name: String,
    behaviour: Behaviour,
}

impl Selection {
    /// Reads the selectors of a query; `name` is a name that the URL itself demands.
    ///
    /// # Errors
    /// 400 for a selector that cannot be read or names a field that cannot be selected by.
    pub(super) fn parse(query: &Query, behaviour: Behaviour, name: &str) -> Result<Self, Status> {
        let label_text = query.value("labelSelector").unwrap_or_default();
        let field_text = query.value("fieldSelector").unwrap_or_default();
        let labels =
            label::Selector::parse(label_text).map_err(|error| Status::bad_request(error.to_string()))?;
        let fields =
            field::Selector::parse(field_text).map_err(|error| Status::bad_request(error.to_string()))?;
        let own = behaviour.selectable_fields();
        fields.check(&own).map_err(|error| Status::bad_request(error.to_string()))?;
        Ok(Self { labels, fields, name: name.to_owned(), behaviour })
    }

    /// Whether an object is meant.
    pub(super) fn matches(&self, object: &Value) -> bool {
        (self.name.is_empty() || Meta::of(object).name() == self.name)
            && self.labels.matches(object)
            && self.fields.terms().iter().all(|term| {
                let actual = self.behaviour.field(object, &term.field).unwrap_or_default();
                (actual == term.value) == term.equal
            })
    }

    /// Whether nothing but the metadata of an object needs to be looked at.
    pub(super) fn is_of_metadata(&self) -> bool {
        let own = ["metadata.name", "metadata.namespace"];
        self.fields.terms().iter().all(|term| own.contains(&term.field.as_str()))
    }

    /// Whether every object is meant, so that none needs to be looked at.
    pub(super) fn is_everything(&self) -> bool {
        self.name.is_empty() && self.labels.is_everything() && self.fields.is_everything()
    }
}
