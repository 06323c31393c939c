//! The line of text that older Kubernetes logs hold, and diagnostics show.

use crate::Event;
use crate::quote::quote;

/// The event as one line, without a line end. Times are UTC.
pub(crate) fn line(event: &Event) -> String {
    let or =
        |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let groups = |groups: &[String], otherwise: &str| {
        or(&groups.iter().map(|group| quote(group)).collect::<Vec<_>>().join(","), otherwise)
    };
    let (as_user, as_groups) = match &event.impersonated_user {
        Some(user) => (or(&user.username, "<self>"), groups(&user.groups, "<lookup>")),
        None => ("<self>".to_owned(), "<lookup>".to_owned()),
    };
    let namespace = event.object_ref.as_ref().map_or("", |object| &object.namespace);
    let response = event.code().map_or_else(|| "<deferred>".to_owned(), |code| code.to_string());
    format!(
        "{} AUDIT: id={} stage={} ip={} method={} user={} groups={} as={} asgroups={} user-agent={} namespace={} \
         uri={} response=\"{response}\"",
        event.request_received_timestamp,
        quote(&event.audit_id),
        quote(event.stage.name()),
        quote(event.source_ips.first().map_or("<unknown>", String::as_str)),
        quote(&event.verb),
        quote(&or(&event.user.username, "<none>")),
        quote(&groups(&event.user.groups, "<none>")),
        quote(&as_user),
        quote(&as_groups),
        quote(&event.user_agent),
        quote(&or(namespace, "<none>")),
        quote(&event.request_uri),
    )
}
