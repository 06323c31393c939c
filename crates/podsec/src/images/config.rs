//! What the configuration of an image says of its user.

use anyhow::{Context, bail};
use podsec_manifest::images::{Image, normalized};
use serde_json::Value;

use super::blobs::Blobs;
use super::layers::{Layer, passwd};
use super::passwd::{Passwd, made_for};

/// The image of a configuration and its layers, of which the last is the uppermost.
pub(super) fn image(
    blobs: &Blobs,
    config: &[u8],
    layers: &[Layer],
    reference: String,
    digest: String,
) -> anyhow::Result<Image> {
    let config: Value = serde_json::from_slice(config).context("the configuration is no JSON")?;
    let said = config.get("config").or_else(|| config.get("Config")).unwrap_or(&Value::Null);
    let user = match said.get("User") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(user)) => user.clone(),
        Some(other) => bail!("the configuration says {other} for User, which is no text"),
    };
    let keys = |field: &str| {
        let object = said.get(field).and_then(Value::as_object);
        object.into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<String>>()
    };
    let name = user.split(':').next().unwrap_or_default();
    let number = name.parse::<i64>().ok();
    let is_root = name.is_empty() || number == Some(0);
    let mut image = Image {
        ports: keys("ExposedPorts"),
        volumes: keys("Volumes"),
        user: user.clone(),
        reference,
        digest,
        ..Image::default()
    };
    // A number needs no look at the files.
    if is_root || number.is_none() {
        let users = Passwd::parse(&passwd(blobs, layers)?.unwrap_or_default());
        if is_root {
            image.made_for = made_for(&users, &normalized(&image.reference));
        } else {
            image.known_as = users.named(name).cloned();
        }
    }
    Ok(image)
}
