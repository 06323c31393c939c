//! Reads container images: OCI layouts, what `docker save` writes, folders of both, and lock files.
//!
//! ```text
//! FROM ─► blobs      a folder, an archive, an archive that is compressed
//!           ├► layout   index.json ─► manifest ─► config ─┐
//!           └► saved    manifest.json ────────► config ───┴► layers ─► /etc/passwd ─► Image
//! ```
//!
//! Everything is bounded: how much of a file is held, how much of a layer is unpacked, how many images there are. What an
//! image says of itself is compared with its digests.

mod blobs;
mod config;
mod layers;
mod layout;
mod lock;
mod passwd;
mod saved;
mod tar;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use podsec_manifest::images::{Image, Images};

use blobs::{Blobs, MOST_IMAGES};

pub(crate) use lock::{LOCK, written};

/// Where images are, as `--images` takes it: a path, or what the one image there is called, `=` and a path.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    reference: Option<String>,
    path: PathBuf,
}

impl std::str::FromStr for Origin {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((reference, path)) if !Path::new(text).exists() => {
                Self { reference: Some(reference.to_owned()), path: PathBuf::from(path) }
            }
            _ => Self::at(PathBuf::from(text)),
        })
    }
}

impl Origin {
    /// A path whose images say themselves what they are called.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { reference: None, path }
    }
}

/// The flag that says where images are.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ImageArguments {
    /// Images to look at: an OCI layout, what docker save writes, a folder of these, or a lock file; REFERENCE=PATH for an
    /// image that does not say its name. Without it, podsec.images.toml in or above the working directory.
    #[arg(long, value_name = "FROM")]
    pub(crate) images: Vec<Origin>,
}

impl ImageArguments {
    /// The images that the flag or the settings name, else those of the nearest lock file; none when there is nothing.
    pub(crate) fn read(&self, settings: &[PathBuf]) -> anyhow::Result<Images> {
        let mut origins = self.images.clone();
        if origins.is_empty() {
            origins.extend(settings.iter().cloned().map(Origin::at));
        }
        if origins.is_empty()
            && let Ok(here) = std::env::current_dir()
        {
            let locks = here.ancestors().map(|folder| folder.join(LOCK));
            origins.extend(locks.filter(|path| path.is_file()).take(1).map(Origin::at));
        }
        read(&origins)
    }
}

/// Reads the images at all origins.
///
/// # Errors
/// When one of them is none, or is broken: what was asked for is not silently left out.
pub(crate) fn read(origins: &[Origin]) -> anyhow::Result<Images> {
    let mut images = Images::default();
    for origin in origins {
        let found = images_at(&origin.path)
            .with_context(|| format!("cannot read the images of {}", origin.path.display()))?;
        let named = match &origin.reference {
            None => found,
            Some(reference) => match <[Image; 1]>::try_from(found) {
                Ok([image]) => vec![Image { reference: reference.clone(), ..image }],
                Err(found) => bail!(
                    "{} holds {} images, of which {reference:?} can be the name of one only",
                    origin.path.display(),
                    found.len()
                ),
            },
        };
        for image in named {
            images.add(image);
        }
    }
    Ok(images)
}

fn images_at(path: &Path) -> anyhow::Result<Vec<Image>> {
    if path.is_dir() {
        if let Some(images) = images_in(&Blobs::folder(path))? {
            return Ok(images);
        }
        return images_below(path, DEPTH);
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        let text = fs::read_to_string(path)?;
        return lock::parse(&text);
    }
    match images_in(&Blobs::archive(path)?)? {
        Some(images) => Ok(images),
        None => {
            bail!("it holds neither the index.json of an OCI layout nor the manifest.json of docker save")
        }
    }
}

/// The images of a layout or of what docker saved; none when it is neither.
fn images_in(blobs: &Blobs) -> anyhow::Result<Option<Vec<Image>>> {
    // What docker saves is both, and names its images as people do in the older form.
    if let Some(manifest) = blobs.small("manifest.json")? {
        return saved::images(blobs, &manifest).map(Some);
    }
    match blobs.small("index.json")? {
        Some(index) => layout::images(blobs, &index).map(Some),
        None => Ok(None),
    }
}

/// The images of all layouts and archives below a folder.
fn images_below(folder: &Path, depth: usize) -> anyhow::Result<Vec<Image>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut images = Vec::new();
    for path in paths {
        let within = || format!("cannot read {}", path.display());
        let is_archive = path.is_file()
            && path.to_str().is_some_and(|name| ARCHIVES.iter().any(|ending| name.ends_with(ending)));
        if is_archive {
            images.extend(images_at(&path).with_context(within)?);
        } else if path.is_dir() {
            match images_in(&Blobs::folder(&path)).with_context(within)? {
                Some(found) => images.extend(found),
                None if depth > 0 => images.extend(images_below(&path, depth - 1)?),
                None => {}
            }
        }
        if images.len() > MOST_IMAGES {
            bail!("there are more than {MOST_IMAGES} images");
        }
    }
    Ok(images)
}

/// How deep folders are looked through.
const DEPTH: usize = 4;
const ARCHIVES: [&str; 3] = [".tar", ".tar.gz", ".tgz"];
