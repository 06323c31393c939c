//! `podsec check`, `fix` and `images lock` with images: layouts and archives that are made here, sound and broken.

#![expect(clippy::unwrap_used, reason = "a test ends where its own files cannot be written")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::digest;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers:\n  - \
                   {name: web, image: 'acme/web:1'}\n";
const PASSWD: &[u8] = b"root:x:0:0::/:\nweb:x:101:102::/:\n";

fn sum(bytes: &[u8]) -> String {
    let sum = digest::digest(&digest::SHA256, bytes);
    sum.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A tar archive of these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(*bytes);
        archive.resize(archive.len().div_ceil(512) * 512, 0);
    }
    archive.extend([0; 1024]);
    archive
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder that becomes an OCI layout.
struct Layout<'f>(&'f Path);

impl Layout<'_> {
    /// Adds a blob; what leads to it.
    fn blob(&self, bytes: &[u8]) -> Value {
        let sum = sum(bytes);
        fs::create_dir_all(self.0.join("blobs/sha256")).unwrap();
        fs::write(self.0.join("blobs/sha256").join(&sum), bytes).unwrap();
        json!({"digest": format!("sha256:{sum}"), "size": bytes.len()})
    }

    fn json(&self, value: &Value) -> Value {
        self.blob(value.to_string().as_bytes())
    }

    fn index(&self, mut manifest: Value, reference: &str) {
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": reference});
        fs::write(self.0.join("index.json"), json!({"manifests": [manifest]}).to_string()).unwrap();
    }

    /// The image of a user with these layers.
    fn image(&self, user: &str, layers: &[Vec<u8>]) -> Value {
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(layer)).collect();
        let config = self.json(&json!({"config": {"User": user, "ExposedPorts": {"80/tcp": {}}}}));
        self.json(&json!({"config": config, "layers": layers}))
    }
}

fn podsec(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_podsec")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn check(folder: &Path) -> (String, String, i32) {
    fs::write(folder.join("pod.yaml"), POD).unwrap();
    podsec(folder, &["check", "--level", "baseline", "--format", "concise", "--images", "image", "pod.yaml"])
}

/// What is said of a pod with the image that is made.
fn said(make: impl Fn(&Layout<'_>)) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("image")).unwrap();
    make(&Layout(&folder.path().join("image")));
    check(folder.path())
}

fn of_user(user: &str) -> (String, String, i32) {
    said(|layout| {
        let image = layout.image(user, &[gzip(&tar(&[("etc/passwd", PASSWD)]))]);
        layout.index(image, "docker.io/acme/web:1");
    })
}

#[test]
fn every_branch_of_the_kubelet_s_rule_is_told_of_a_layout() {
    let root = "container has runAsNonRoot and image will run as root";
    let name =
        "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root";
    for (user, words) in [("", root), ("0", root), ("0:0", root), ("web", name), ("web:web", name)] {
        let (report, notes, code) = of_user(user);
        let place = "pod.yaml:7:24: error[imageUser]: ";
        assert!(
            report.starts_with(&format!("{place}{words} (Pod \"a\", container \"web\", image acme/web:1)")),
            "{report}{notes}"
        );
        assert_eq!(code, 1, "{user}");
    }
    let (report, _, code) = of_user("1000");
    assert_eq!((report.lines().count(), code), (1, 0), "{report}");
    assert!(!report.contains("image's user"), "{report}");
}

#[test]
fn what_docker_saves_is_read_from_an_archive_whether_it_is_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"config": {"User": "web"}}).to_string();
    let config_name = format!("{}.json", sum(config.as_bytes()));
    let layer = tar(&[("etc/passwd", PASSWD)]);
    let manifest =
        json!([{"Config": config_name, "RepoTags": ["acme/web:1"], "Layers": ["l/layer.tar"]}]).to_string();
    let saved = tar(&[
        (&config_name, config.as_bytes()),
        ("l/layer.tar", &layer),
        ("manifest.json", manifest.as_bytes()),
    ]);
    for bytes in [saved.clone(), gzip(&saved)] {
        fs::write(folder.path().join("image"), bytes).unwrap();
        let (report, notes, code) = check(folder.path());
        assert!(report.contains("non-numeric user (web)") && code == 1, "{report}{notes}");
    }
    fs::create_dir(folder.path().join("images")).unwrap();
    fs::rename(folder.path().join("image"), folder.path().join("images/web.tar.gz")).unwrap();
    let (_, notes, code) = podsec(folder.path(), &["images", "lock", "images"]);
    assert_eq!((notes.as_str(), code), ("1 image in podsec.images.toml\n", 0));
}

#[test]
fn a_lock_file_is_found_and_fix_writes_the_user_that_it_tells() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("image")).unwrap();
    let layout = Layout(&folder.path().join("image").clone());
    let layers = [gzip(&tar(&[("etc/passwd", PASSWD)])), gzip(&tar(&[("x", b"1")]))];
    layout.index(layout.image("web", &layers), "1");
    let (_, notes, code) = podsec(folder.path(), &["images", "lock", "acme/web:1=image"]);
    assert_eq!(code, 0, "{notes}");
    let lock = fs::read_to_string(folder.path().join("podsec.images.toml")).unwrap();
    let told = "reference = \"acme/web:1\"\ndigest = \"sha256:";
    assert!(
        lock.contains(told)
            && lock.contains("user = \"web\"\nknown-as = { name = \"web\", uid = 101, gid = 102 }\n"),
        "{lock}"
    );

    fs::write(folder.path().join("pod.yaml"), POD).unwrap();
    let (report, ..) =
        podsec(folder.path(), &["check", "--level", "baseline", "--format", "json", "pod.yaml"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["imageUsers"][0]["image"], "acme/web:1");
    assert_eq!(report["summary"]["notStarted"], 1);
    let ignored = ["check", "--level", "baseline", "--ignore", "imageUser", "pod.yaml"];
    assert_eq!(podsec(folder.path(), &ignored).2, 0);

    let (diff, _, code) = podsec(folder.path(), &["fix", "--level", "baseline", "--diff", "pod.yaml"]);
    assert!(diff.contains("@@ checked: runAsNonRoot\n") && diff.contains("runAsUser: 101"), "{diff}");
    assert_eq!(code, 0);
    assert_eq!(podsec(folder.path(), &["fix", "--level", "baseline", "pod.yaml"]).2, 0);
    let (report, ..) =
        podsec(folder.path(), &["check", "--level", "baseline", "--format", "concise", "pod.yaml"]);
    assert_eq!(report.lines().count(), 1, "{report}");
}

#[test]
fn a_manifest_list_leads_to_its_image_for_linux() {
    let list = |layout: &Layout<'_>| {
        let mut image = layout.image("web", &[gzip(&tar(&[("etc/passwd", PASSWD)]))]);
        image["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let other = json!({"digest": format!("sha256:{}", "0".repeat(64)), "platform": {"os": "unknown", "architecture": "unknown"}});
        layout.json(&json!({"manifests": [other, image]}))
    };
    let (report, notes, _) = said(|layout| layout.index(list(layout), "docker.io/acme/web:1"));
    assert!(report.contains("non-numeric user (web)"), "{report}{notes}");
    let (_, notes, code) = said(|layout| {
        let windows = json!({"digest": format!("sha256:{}", "0".repeat(64)), "platform": {"os": "windows", "architecture": "amd64"}});
        let list = layout.json(&json!({"manifests": [windows]}));
        layout.index(list, "docker.io/acme/web:1");
    });
    assert!(notes.contains("has no image for linux") && code == 2, "{notes}");
}

#[test]
fn a_broken_image_is_an_error_that_says_what_is_broken() {
    let passwd = || gzip(&tar(&[("etc/passwd", PASSWD)]));
    let corrupt = || {
        let mut bytes = passwd();
        let middle = bytes.len() / 2;
        bytes.truncate(middle);
        bytes
    };
    let layer = |bytes: Vec<u8>| {
        said(move |layout| {
            let image = layout.image("web", std::slice::from_ref(&bytes));
            layout.index(image, "docker.io/acme/web:1");
        })
    };
    let zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0];
    for (bytes, words) in [
        (corrupt(), "cannot read the layer blobs/sha256/"),
        (b"no archive".repeat(100), "it is no tar archive"),
        (zstd, "it is compressed with zstd"),
        (gzip(&tar(&[("etc/passwd", &vec![b'x'; 9 << 20])])), "larger than 8 MB"),
    ] {
        let (report, notes, code) = layer(bytes);
        assert!(notes.contains(words) && code == 2, "{words}: {report}{notes}");
    }
    // A manifest under the name of another one, a layer likewise, and one that is not there.
    let (_, notes, code) = said(|layout| {
        let image = layout.image("web", &[passwd()]);
        let name = image["digest"].as_str().unwrap().replace(':', "/");
        fs::write(layout.0.join("blobs").join(name), "{}").unwrap();
        layout.index(image, "docker.io/acme/web:1");
    });
    assert!(notes.contains("does not have the digest that is its name") && code == 2, "{notes}");
    let (_, notes, code) = said(|layout| {
        let image = layout.image("web", &[passwd()]);
        let name = layout.blob(&passwd())["digest"].as_str().unwrap().replace(':', "/");
        fs::write(layout.0.join("blobs").join(name), gzip(&tar(&[("etc/passwd", b"web:x:7:7::/:\n")])))
            .unwrap();
        layout.index(image, "docker.io/acme/web:1");
    });
    assert!(notes.contains("does not have the digest that its manifest says") && code == 2, "{notes}");
    let (_, notes, code) = said(|layout| {
        let image = layout.image("web", &[passwd()]);
        let name = layout.blob(&passwd())["digest"].as_str().unwrap().replace(':', "/");
        fs::remove_file(layout.0.join("blobs").join(name)).unwrap();
        layout.index(image, "docker.io/acme/web:1");
    });
    assert!(notes.contains("it is missing") && code == 2, "{notes}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("image"), tar(&[("x", b"")])).unwrap();
    let (_, notes, code) = check(folder.path());
    assert!(notes.contains("neither the index.json") && code == 2, "{notes}");
}

#[test]
fn a_layer_that_unpacks_without_end_is_stopped() {
    // Five gigabytes of zeros in some megabytes.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("image")).unwrap();
    let layout = Layout(&folder.path().join("image").clone());
    let mut header = tar(&[("big", b"")]);
    header.truncate(512);
    header[124..135].copy_from_slice(format!("{:011o}", 5_u64 << 30).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    let checksum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());
    let zeros = gzip(&vec![0; 64 << 20]);
    let mut bomb = gzip(&header);
    (0..80).for_each(|_| bomb.extend(&zeros));
    layout.index(layout.image("web", &[bomb]), "docker.io/acme/web:1");
    let (_, notes, code) = check(folder.path());
    assert!(notes.contains("larger than 4 GB") && code == 2, "{notes}");
}
