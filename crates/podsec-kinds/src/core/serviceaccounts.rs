//! ServiceAccounts.

use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;

use crate::object::{FieldsMut, annotation};
use crate::printing;
use crate::strategy::{DeletionAnswer, Strategy};
use crate::{metadata as meta, workload};

/// ServiceAccounts.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "serviceaccounts",
    validate: |account| meta::validate(account, true, NameRule::Dns1123Subdomain),
    prepare_for_create: keep_names,
    prepare_for_update: |account, old| {
        keep_names(account);
        workload::keep_generation(account, old);
    },
    warnings_on_create: enforced_secrets,
    warnings_on_update: |account, old| {
        if annotation(old, ENFORCE).is_some() { Vec::new() } else { enforced_secrets(account) }
    },
    columns: &[printing::NAME, printing::AGE],
    cells: |account, now| vec![printing::name(account), printing::age(account, now)],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

/// What to say of the annotation that binds pods to the secrets of their account.
fn enforced_secrets(account: &Value) -> Vec<String> {
    let warning = format!(
        "metadata.annotations[{ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
    );
    annotation(account, ENFORCE).map(|_| warning).into_iter().collect()
}

const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Of the secrets only their names count.
fn keep_names(account: &mut Value) {
    if let Some(account) = account.as_object_mut() {
        for secret in account.objects_mut("secrets") {
            secret.retain(|field, _| field == "name");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_annotation_that_enforces_mountable_secrets_is_told_when_it_is_set_anew() {
        let plain = json!({ "metadata": { "name": "a" } });
        let enforcing = json!({ "metadata": { "name": "a", "annotations": { (ENFORCE): "true" } } });
        let warning = "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
        assert_eq!((STRATEGY.warnings_on_create)(&enforcing), [warning]);
        assert_eq!((STRATEGY.warnings_on_update)(&enforcing, &plain), [warning]);
        assert!((STRATEGY.warnings_on_update)(&enforcing, &enforcing).is_empty());
        assert!((STRATEGY.warnings_on_create)(&plain).is_empty());
    }
}
