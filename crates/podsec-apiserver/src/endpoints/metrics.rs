//! `/metrics`: everything that is counted, with how many objects are stored now.

use podsec_apimachinery::schema::catalog::Verb;
use podsec_storage::Range;

use crate::answer::Answer;
use crate::apiserver::ApiServer;

/// Counts the stored objects and shows every metric.
pub(super) async fn metrics(api: &ApiServer) -> Answer {
    let served = api.served();
    for resource in served.catalog.resources().filter(|resource| resource.allows(Verb::Watch)) {
        let registry = api.resources.registry(resource);
        let prefix = registry.prefix("");
        // Nothing but the number is wanted, and a page of one entry tells it.
        let page = api.store.range(Range { limit: Some(1), ..Range::prefix(&prefix) }).await;
        let count = page.ok().map(|page| page.entries.len() + page.remaining);
        api.metrics.note_objects(&resource.group_resource().to_string(), count);
    }
    Answer::document(CONTENT_TYPE, api.render_metrics())
}

/// The Prometheus text format, as kube-apiserver names it.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
