//! ServiceAccounts.

use podsec_apimachinery::name::NameRule;

use crate::generic::BASE;
use crate::metadata as meta;
use crate::object::Fields;
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, Strategy};

/// ServiceAccounts.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "serviceaccounts",
    validate: |account| meta::validate(account, true, NameRule::Dns1123Subdomain),
    columns: &[printing::NAME, column("Secrets", "How many secrets it may use."), printing::AGE],
    cells: |account, now| {
        vec![printing::name(account), account.list("secrets").len().into(), printing::age(account, now)]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};
