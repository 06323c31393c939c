//! ServiceAccounts.

use podsec_apimachinery::name::NameRule;

use super::generic::BASE;
use super::metadata as meta;
use super::object::Fields;
use super::printing::{self, column};
use super::strategy::{DeletionAnswer, Strategy};

/// ServiceAccounts.
pub(super) static STRATEGY: Strategy = Strategy {
    resource: "serviceaccounts",
    validate: |account| meta::validate(account, true, NameRule::Dns1123Subdomain),
    columns: &[printing::NAME, column("Secrets", "How many secrets it may use."), printing::AGE],
    cells: |account, now| {
        vec![printing::name(account), account.list("secrets").len().into(), printing::age(account, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};
