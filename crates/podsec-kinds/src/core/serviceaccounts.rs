//! ServiceAccounts.

use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;

use crate::object::FieldsMut;
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
    columns: &[printing::NAME, printing::AGE],
    cells: |account, now| vec![printing::name(account), printing::age(account, now)],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

/// Of the secrets only their names count.
fn keep_names(account: &mut Value) {
    if let Some(account) = account.as_object_mut() {
        for secret in account.objects_mut("secrets") {
            secret.retain(|field, _| field == "name");
        }
    }
}
