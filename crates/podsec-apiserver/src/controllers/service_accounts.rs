//! The service account controller: every namespace has an account `default`.

use serde_json::{Value, json};

use super::per_namespace::{Kept, Write};

/// What it keeps.
pub(super) fn kept() -> Kept {
    Kept {
        account: "service-account-controller",
        resource: "serviceaccounts",
        name: NAME,
        reconcile: Box::new(reconcile),
    }
}

/// Makes the account where it is absent, and leaves it to its users where it is not.
fn reconcile(found: Option<&Value>) -> Option<Write> {
    let account = json!({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": NAME}});
    found.is_none().then_some(Write::Create(account))
}

/// The account that pods run as which name none.
const NAME: &str = "default";

#[cfg(test)]
mod tests {
    use podsec_kinds::object::Fields as _;

    use super::*;

    #[test]
    fn an_account_is_made_where_there_is_none_and_never_changed() {
        let Some(Write::Create(account)) = reconcile(None) else { panic!("nothing is made") };
        assert_eq!(account.at("metadata").text("name"), "default");
        assert_eq!(reconcile(Some(&json!({"imagePullSecrets": [{"name": "x"}]}))), None);
    }
}
