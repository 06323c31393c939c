"""Each artifact that people install, installed as they do it."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import tarfile
import venv

from case import TUTORIAL, NotHere, judges, one, program, run


def the_archive(folder: pathlib.Path, room: pathlib.Path) -> str:
    with tarfile.open(one(folder, "podsec-*-x86_64-*.tar.gz")) as archive:
        archive.extractall(room, filter="data")
    unpacked = one(room, "podsec-*")
    for name in ("LICENSE", "LICENCES.txt", "man/podsec-check.1", "completions/_podsec"):
        assert (unpacked / name).is_file(), f"no {name}"
    return judges(unpacked / "podsec")


def the_wheel_with_pip(folder: pathlib.Path, room: pathlib.Path) -> str:
    venv.create(room, with_pip=True)
    run(room / "bin/pip", "install", "--quiet", "--no-index", one(folder, "podsec-*_x86_64*.whl"))
    run(room / "bin/pip", "check")
    return judges(room / "bin/podsec")


def the_packages_with_npm(folder: pathlib.Path, room: pathlib.Path) -> str:
    npm = program("npm")
    main = one(folder, "podsec-[0-9]*.tgz")
    # Offline, npm takes the package of the platform from a file; the others are left out, as on any machine.
    platform = one(folder, "podsec-linux-x64-*.tgz")
    (room / "package.json").write_text(json.dumps({"name": "clean", "version": "1.0.0", "private": True}))
    run(npm, "install", "--offline", "--no-audit", "--no-fund", platform, main, "--omit=optional", cwd=room)
    return judges(room / "node_modules/.bin/podsec", cwd=room)


def the_debian_package(folder: pathlib.Path, room: pathlib.Path) -> str:
    dpkg = program("dpkg-deb")
    package = one(folder, "podsec_*_amd64.deb")
    run(dpkg, "--extract", package, room)
    run(dpkg, "--info", package)
    for name in ("man/man1/podsec-check.1.gz", "bash-completion/completions/podsec", "doc/podsec/copyright"):
        assert (room / "usr/share" / name).is_file(), f"no {name}"
    return judges(room / "usr/bin/podsec")


def the_image_in_a_folder_of_its_own(folder: pathlib.Path, room: pathlib.Path) -> str:
    """Unpacks the layer of this platform and runs its entry point where there is nothing else."""
    layout = Layout(one(folder, "podsec-[0-9]*.oci.tar"))
    index = layout.document(layout.entry())
    mine = [each for each in index["manifests"] if each["platform"]["architecture"] == "amd64"]
    manifest = layout.document(mine[0])
    config = layout.document(manifest["config"])
    assert config["config"]["User"] == "65532:65532", config
    for layer in manifest["layers"]:
        path = room / "layer.tar.gz"
        path.write_bytes(layout.blob(layer))
        with tarfile.open(path) as archive:
            archive.extractall(room / "root", filter="data")
    entry = room / "root" / config["config"]["Entrypoint"][0].lstrip("/")
    if b"ld-linux" in entry.read_bytes():
        raise NotHere("a static binary: this one was built to try the packing")
    if os.geteuid() != 0:
        raise NotHere("root, who may change the root folder")
    return judges_in(room / "root", config["config"]["Entrypoint"][0])


def judges_in(root: pathlib.Path, entry: str) -> str:
    """As `judges`, where only the binary and the manifests are."""
    for pod in ("restricted-pod.yaml", "baseline-pod.yaml"):
        (root / pod).write_bytes((TUTORIAL / pod).read_bytes())
    chroot = program("chroot")
    run(chroot, "--userspec=65532:65532", root, entry, "check", "--level", "restricted", "/restricted-pod.yaml")
    return "podsec check ran as nobody, with nothing beside it"


class Layout:
    """An OCI image layout in a tar file, whose digests are verified as they are read."""

    def __init__(self, path: pathlib.Path) -> None:
        with tarfile.open(path) as archive:
            self.files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
        assert json.loads(self.files["oci-layout"])["imageLayoutVersion"] == "1.0.0"

    def entry(self) -> dict:
        (entry,) = json.loads(self.files["index.json"])["manifests"]
        return entry

    def blob(self, descriptor: dict) -> bytes:
        content = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert hashlib.sha256(content).hexdigest() == descriptor["digest"].split(":")[1], descriptor
        assert len(content) == descriptor["size"], descriptor
        return content

    def document(self, descriptor: dict) -> dict:
        return json.loads(self.blob(descriptor))


CASES = [
    the_archive,
    the_wheel_with_pip,
    the_packages_with_npm,
    the_debian_package,
    the_image_in_a_folder_of_its_own,
]
