//! The pods of an object, for whoever asks for nothing else.

use podsec_yaml::Document;

use crate::check::carried_pods;
use crate::object::objects;
use crate::template::Templates;

/// The JSON of every pod in a document, in built-in and custom kinds.
pub fn pods_of(document: &Document<'_>, templates: &Templates) -> Vec<Vec<u8>> {
    let objects = objects(document, 0);
    let carried = objects.iter().flat_map(|object| carried_pods(object, templates));
    let json = carried.map(|carried| {
        let mut json = Vec::new();
        carried.node.write_json(&mut json);
        json
    });
    json.collect()
}

impl Templates {
    /// Whether pods are looked for in this custom kind.
    pub fn knows(&self, group: &str, kind: &str) -> bool {
        self.kinds().any(|known| known == (group, kind))
    }
}
