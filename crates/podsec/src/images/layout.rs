//! OCI layouts: an index of manifests, each of a configuration and layers, or of more manifests for several platforms.

use anyhow::{Context, bail};
use podsec_manifest::images::Image;
use serde::Deserialize;

use super::blobs::{Blobs, MOST_IMAGES, blob};
use super::config;
use super::layers::Layer;

/// An index, or a manifest: what of their fields is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// What leads to another file.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

/// The images of a layout with this index.
pub(super) fn images(blobs: &Blobs, index: &[u8]) -> anyhow::Result<Vec<Image>> {
    let index: Manifest = serde_json::from_slice(index).context("cannot read index.json")?;
    if index.manifests.len() > MOST_IMAGES {
        bail!("index.json has more than {MOST_IMAGES} manifests");
    }
    let mut images = Vec::new();
    for descriptor in &index.manifests {
        let image = image(blobs, descriptor, MOST_NESTED)?;
        let reference = descriptor.reference().unwrap_or_default();
        images.push(Image { reference, digest: descriptor.digest.clone(), ..image });
    }
    Ok(images)
}

fn image(blobs: &Blobs, descriptor: &Descriptor, nested: usize) -> anyhow::Result<Image> {
    let digest = &descriptor.digest;
    let bytes = blobs.digested(digest)?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).with_context(|| format!("the manifest {digest} cannot be read"))?;
    let Some(of_config) = &manifest.config else {
        if nested == 0 {
            bail!("manifest lists are nested deeper than {MOST_NESTED} times");
        }
        let Some(chosen) = for_linux(&manifest.manifests) else {
            bail!("the manifest list {digest} has no image for linux");
        };
        let whose = || format!("of the manifest list {digest} only a part is there");
        return image(blobs, chosen, nested - 1).with_context(whose);
    };
    let mut layers = Vec::new();
    for layer in manifest.layers {
        layers.push(Layer { name: blob(&layer.digest)?, digest: Some(layer.digest) });
    }
    let config = blobs.digested(&of_config.digest)?;
    let reference = descriptor.reference().unwrap_or_default();
    config::image(blobs, &config, &layers, reference, digest.clone())
        .with_context(|| format!("the image {digest}"))
}

/// The image of a list that most nodes take; what is no image, as an attestation, has the platform `unknown`.
fn for_linux(manifests: &[Descriptor]) -> Option<&Descriptor> {
    let is = |architecture: Option<&str>| {
        manifests.iter().find(move |descriptor| match &descriptor.platform {
            Some(platform) => {
                platform.os == "linux" && architecture.is_none_or(|wanted| platform.architecture == wanted)
            }
            None => architecture.is_none(),
        })
    };
    is(Some("amd64")).or_else(|| is(Some("arm64"))).or_else(|| is(None))
}

impl Descriptor {
    /// What the image is called, by those who made the layout; a tag alone is no name.
    fn reference(&self) -> Option<String> {
        let full = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        let names = full.into_iter().filter_map(|key| self.annotations.get(key));
        names.filter(|name| name.contains(['/', ':'])).map(String::clone).next()
    }
}

const MOST_NESTED: usize = 4;
