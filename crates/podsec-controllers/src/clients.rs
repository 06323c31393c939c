//! Who talks to the API server.

/// Makes clients that act as a given user.
///
/// `podsec serve` answers requests of its own controllers without a socket; against another API server, a client may
/// impersonate the user or carry a token of the account.
pub trait Clients: Send + Sync + 'static {
    /// A client that acts as this user, who is a member of these groups.
    fn client(&self, user: &str, groups: &[&str]) -> kube::Client;
}

/// The client of a controller's own service account in `kube-system`, whose rights the bootstrap roles hold.
pub(crate) fn of_account(clients: &dyn Clients, account: &str) -> kube::Client {
    let user = format!("system:serviceaccount:kube-system:{account}");
    clients.client(&user, &["system:serviceaccounts", "system:serviceaccounts:kube-system"])
}

/// The client with which all controllers read, as kube-controller-manager's shared informers do.
pub(crate) fn of_informers(clients: &dyn Clients) -> kube::Client {
    clients.client("system:kube-controller-manager", &[])
}
