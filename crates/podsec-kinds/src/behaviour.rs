//! How the objects of one resource behave: as the strategy of their kind says, and custom ones as their definition
//! says besides.

use std::sync::Arc;

use jiff::Timestamp;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_apimachinery::{Status, field, table};
use serde_json::Value;

use crate::custom::CustomResource;
use crate::{Strategy, custom_resource, effects, scale, strategy};

/// The behaviour of one resource.
#[derive(Clone)]
pub struct Behaviour {
    /// What holds for the kind.
    pub strategy: &'static Strategy,
    /// What its definition says, for a custom resource.
    pub custom: Option<Arc<CustomResource>>,
}

impl Behaviour {
    /// The behaviour of `resource`; `custom` is what its definition says, for a custom resource.
    pub fn of(resource: &Resource, custom: Option<Arc<CustomResource>>) -> Self {
        let strategy = match &custom {
            Some(custom) => custom_resource(custom.has_status()),
            None => strategy(&resource.group, &resource.resource),
        };
        Self { strategy, custom }
    }

    /// See [`Strategy::default`].
    ///
    /// A custom resource whose defaults are larger than any store takes is left filled in part, and is larger than any
    /// store takes for that: its write is refused.
    pub fn default(&self, object: &mut Value) {
        (self.strategy.default)(object);
        if let Some(custom) = &self.custom {
            let _ = custom.complete(object);
        }
    }

    /// See [`Strategy::validate`].
    pub fn validate(&self, object: &Value) -> Vec<field::Error> {
        let mut errors = (self.strategy.validate)(object);
        if let Some(custom) = &self.custom {
            let judgement = custom.judge("", errors, object, None);
            errors = judgement.errors;
        }
        errors
    }

    /// What is wrong with a change through a subresource, or through the object itself. What was wrong with the stored
    /// object already and may stay so is told in `warnings`.
    pub fn validate_update(
        &self,
        subresource: &str,
        object: &Value,
        old: &Value,
        warnings: &mut Vec<String>,
    ) -> Vec<field::Error> {
        let door = self.strategy.subresource(subresource);
        let validate = door.map_or(self.strategy.validate_update, |door| door.validate_update);
        let mut errors = validate(object, old);
        if let Some(custom) = &self.custom {
            let judgement = custom.judge(subresource, errors, object, Some(old));
            errors = judgement.errors;
            warnings.extend(judgement.warnings);
        }
        errors
    }

    /// See [`Strategy::warnings_on_create`]; besides, that nothing acts on such an object, though kube-apiserver would.
    pub fn warnings_on_create(&self, object: &Value) -> Vec<String> {
        let mut warnings = (self.strategy.warnings_on_create)(object);
        warnings.extend(self.without_effect(object));
        warnings
    }

    /// The same for a change to the stored object through a subresource, or through the object itself.
    pub fn warnings_on_update(&self, subresource: &str, object: &Value, old: &Value) -> Vec<String> {
        match subresource {
            "" => {
                let mut warnings = (self.strategy.warnings_on_update)(object, old);
                warnings.extend(self.without_effect(object));
                warnings
            }
            "status" => (self.strategy.warnings_on_status_update)(object, old),
            _ => Vec::new(),
        }
    }

    fn without_effect(&self, object: &Value) -> Option<String> {
        effects::warning(self.strategy.group, self.strategy.resource, object)
    }

    /// What every request is warned with.
    pub fn deprecation(&self) -> Option<&str> {
        match &self.custom {
            Some(custom) => custom.deprecation.as_deref(),
            None => self.strategy.deprecation,
        }
    }

    /// The columns of its Table.
    pub fn columns(&self) -> Vec<table::Column> {
        let column = |column: &crate::Column| table::Column {
            name: column.name.into(),
            column_type: column.column_type.name().into(),
            format: column.column_type.format().into(),
            description: column.description.into(),
            priority: i32::from(column.priority),
        };
        let columns = self.strategy.columns.iter().map(column);
        columns.chain(self.custom.iter().flat_map(|custom| custom.columns())).collect()
    }

    /// The cells of one object, one for each column.
    pub fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let mut cells = (self.strategy.cells)(object, now);
        cells.extend(self.custom.iter().flat_map(|custom| custom.cells(object, now)));
        cells
    }

    /// The fields that a field selector may name besides name and namespace.
    pub fn selectable_fields(&self) -> Vec<&str> {
        let fields = self.strategy.selectable_fields.iter().map(|field| field.label);
        fields.chain(self.custom.iter().flat_map(|custom| custom.selectable_fields())).collect()
    }

    /// The value of one of them; `None` when the label is not supported.
    pub fn field(&self, object: &Value, label: &str) -> Option<String> {
        let custom = || self.custom.as_ref()?.field(object, label);
        self.strategy.field(object, label).or_else(custom)
    }

    /// The Scale of an object.
    ///
    /// # Errors
    /// 500 for a custom object without replicas.
    pub fn scale(&self, object: &Value) -> Result<Value, Status> {
        self.custom.as_ref().map_or_else(|| Ok(scale::of(object)), |custom| custom.scale(object))
    }

    /// Brings the replicas of a Scale into the object.
    pub fn set_scale(&self, scale: &Value, object: &mut Value) {
        match &self.custom {
            Some(custom) => custom.set_scale(scale, object),
            None => scale::apply(scale, object),
        }
    }
}
