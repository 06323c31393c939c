//! `podsec.images.toml`: what is known of images, so that CI can judge without them.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use podsec_manifest::images::{Image, NamedUser};
use serde::Deserialize;

/// The name of the file that is found beside `podsec.toml`.
pub(crate) const LOCK: &str = "podsec.images.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    version: u32,
    #[serde(default)]
    image: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    reference: String,
    #[serde(default)]
    digest: String,
    user: String,
    known_as: Option<Person>,
    made_for: Option<Person>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    uid: i64,
    gid: i64,
}

/// The images that a lock file tells of.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Image>> {
    let lock: Lock = toml::from_str(text).context("it is no lock file of images")?;
    if lock.version != VERSION {
        bail!(
            "it is of version {}, and podsec reads {VERSION}: write it again with `podsec images lock`",
            lock.version
        );
    }
    let user = |Person { name, uid, gid }: Person| NamedUser { name, uid, gid };
    let image = |entry: Entry| Image {
        reference: entry.reference,
        digest: entry.digest,
        user: entry.user,
        known_as: entry.known_as.map(user),
        made_for: entry.made_for.map(user),
        ports: entry.ports,
        volumes: entry.volumes,
    };
    Ok(lock.image.into_iter().map(image).collect())
}

/// A lock file of images.
pub(crate) fn written(images: &[&Image]) -> String {
    let mut text = format!(
        "# Whom the images of this project run as. Written by `podsec images lock`; read by `podsec check` and `podsec fix`.\n\
         version = {VERSION}\n"
    );
    // TOML escapes as JSON does, and one character more.
    let quoted = |text: &str| serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F");
    let list = |texts: &[String]| texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
    for image in images {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n[[image]]\nreference = {}", quoted(&image.reference));
        if !image.digest.is_empty() {
            let _ = writeln!(text, "digest = {}", quoted(&image.digest));
        }
        let _ = writeln!(text, "user = {}", quoted(&image.user));
        for (key, user) in [("known-as", &image.known_as), ("made-for", &image.made_for)] {
            if let Some(NamedUser { name, uid, gid }) = user {
                let _ = writeln!(text, "{key} = {{ name = {}, uid = {uid}, gid = {gid} }}", quoted(name));
            }
        }
        for (key, texts) in [("ports", &image.ports), ("volumes", &image.volumes)] {
            if !texts.is_empty() {
                let _ = writeln!(text, "{key} = [{}]", list(texts));
            }
        }
    }
    text
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let user = |name: &str| Some(NamedUser { name: name.to_owned(), uid: 101, gid: 102 });
        let images = [
            Image { reference: "a:1".to_owned(), ..Image::default() },
            Image {
                reference: "b \"x\"".to_owned(),
                digest: "sha256:0".to_owned(),
                user: "web".to_owned(),
                known_as: user("web"),
                made_for: user("o\\ther"),
                ports: vec!["80/tcp".to_owned(), "443".to_owned()],
                volumes: vec!["/data".to_owned()],
            },
        ];
        assert_eq!(parse(&written(&images.iter().collect::<Vec<_>>())).unwrap(), images);
        assert!(parse("version = 2").unwrap_err().to_string().contains("podsec images lock"));
        assert!(parse("version = 1\n[[image]]\nreference = 1").is_err());
    }
}
