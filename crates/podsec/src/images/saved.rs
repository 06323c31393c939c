//! What `docker save` writes: manifest.json, with the names, the configuration and the layers of each image.

use anyhow::{Context, bail};
use podsec_manifest::images::Image;
use serde::Deserialize;

use super::blobs::{Blobs, MOST_IMAGES, sum};
use super::config;
use super::layers::Layer;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

/// The images that this manifest.json names.
pub(super) fn images(blobs: &Blobs, manifest: &[u8]) -> anyhow::Result<Vec<Image>> {
    let saved: Vec<Saved> = serde_json::from_slice(manifest).context("cannot read manifest.json")?;
    if saved.len() > MOST_IMAGES {
        bail!("manifest.json has more than {MOST_IMAGES} images");
    }
    let mut images = Vec::new();
    for Saved { config, repo_tags, layers } in saved {
        let Some(bytes) = blobs.small(&config)? else { bail!("{config} is missing") };
        // The file is called by its sum: `blobs/sha256/SUM`, or once `SUM.json`.
        let named = config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        let real = sum(&bytes);
        if named.len() == 64 && real != format!("sha256:{named}") {
            bail!("{config} does not have the digest that is its name: it has {real}");
        }
        let layer = |name: String| {
            let sum = name.strip_prefix("blobs/sha256/");
            Layer { digest: sum.map(|sum| format!("sha256:{sum}")), name }
        };
        let layers: Vec<Layer> = layers.into_iter().map(layer).collect();
        let tags = repo_tags.unwrap_or_default();
        let first = tags.first().cloned().unwrap_or_default();
        let image = config::image(blobs, &bytes, &layers, first, String::new())
            .with_context(|| format!("the image {}", tags.first().unwrap_or(&config)))?;
        images.extend(tags.into_iter().skip(1).map(|reference| Image { reference, ..image.clone() }));
        images.push(image);
    }
    Ok(images)
}
