//! The line of text that older Kubernetes logs hold, and diagnostics show.

use podsec_apimachinery::quote::quoted;

use crate::Event;

/// The event as one line, without a line end. Times are UTC.
pub(crate) fn line(event: &Event) -> String {
    let or =
        |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let groups = |groups: &[String], otherwise: &str| {
        or(&groups.iter().map(|group| quoted(group)).collect::<Vec<_>>().join(","), otherwise)
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
        quoted(&event.audit_id),
        quoted(event.stage.name()),
        quoted(event.source_ips.first().map_or("<unknown>", String::as_str)),
        quoted(&event.verb),
        quoted(&or(&event.user.username, "<none>")),
        quoted(&groups(&event.user.groups, "<none>")),
        quoted(&as_user),
        quoted(&as_groups),
        quoted(&event.user_agent),
        quoted(&or(namespace, "<none>")),
        quoted(&event.request_uri),
    )
}
