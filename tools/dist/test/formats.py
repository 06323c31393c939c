"""What is not installed here: whether each file is what it has to be."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

from case import ROOT, NotHere, one, program, run
from installs import Layout


def the_checksums(folder: pathlib.Path, room: pathlib.Path) -> str:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    for line in lines:
        checksum, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
    made = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert made == {line.split("  ")[1] for line in lines}, "not every file has a checksum"
    return f"{len(lines)} files"


def the_sbom(folder: pathlib.Path, room: pathlib.Path) -> str:
    document = json.loads(one(folder, "*x86_64*.cdx.json").read_text())
    known = {component["bom-ref"] for component in document["components"]}
    known.add(document["metadata"]["component"]["bom-ref"])
    assert "pkg:cargo/rustls" in " ".join(known) and "pkg:cargo/proptest" not in " ".join(known)
    for dependency in document["dependencies"]:
        assert dependency["ref"] in known and set(dependency["dependsOn"]) <= known, dependency
    unlicensed = [component["name"] for component in document["components"] if "licenses" not in component]
    assert not unlicensed, unlicensed
    return f"{len(known)} components"


def the_chart_and_its_artifact(folder: pathlib.Path, room: pathlib.Path) -> str:
    layout = Layout(one(folder, "podsec-webhook-*.oci.tar"))
    manifest = layout.document(layout.entry())
    chart = one(folder, "podsec-webhook-*.tgz")
    assert layout.blob(manifest["layers"][0]) == chart.read_bytes()
    helm = subprocess.run([str(ROOT / "tools/client.sh"), "helm"], capture_output=True, text=True)
    if helm.returncode:
        raise NotHere("helm")
    rendered = run(helm.stdout.strip(), "template", "it", chart, "--set", "image.repository=r.example/podsec")
    assert "ValidatingWebhookConfiguration" in rendered
    return "helm template rendered it"


def the_krew_manifest(folder: pathlib.Path, room: pathlib.Path) -> str:
    if not list(folder.glob("podsec.krew.yaml")):
        raise NotHere("--url when it was made")
    text = one(folder, "podsec.krew.yaml").read_text()
    assert re.search(r"^  version: v\d+\.\d+\.\d+$", text, re.MULTILINE)
    pairs = re.findall(r"uri: \S+/(\S+)\n    sha256: (\w{64})\n", text)
    assert pairs
    for name, checksum in pairs:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
    return f"{len(pairs)} platforms, their checksums are those of the archives"


def the_homebrew_formula(folder: pathlib.Path, room: pathlib.Path) -> str:
    if not list(folder.glob("podsec.rb")):
        raise NotHere("--url when it was made")
    return run(program("ruby"), "-c", one(folder, "podsec.rb")).strip()


def the_packing_is_reproducible(folder: pathlib.Path, room: pathlib.Path) -> str:
    """Packs the binaries of the archives a second time, and compares every byte."""
    command = [sys.executable, str(ROOT / "tools/dist"), "--out", str(room / "again")]
    # The time of the commit that they were made from, which may not be the newest.
    with tarfile.open(one(folder, "podsec-*-x86_64-*.tar.gz")) as opened:
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(int(opened.getmembers()[0].mtime))}
    for archive in folder.glob("podsec-[0-9]*-*.tar.gz"):
        triple = re.sub(r"^podsec-[0-9.]+-|\.tar\.gz$", "", archive.name)
        with tarfile.open(archive) as opened:
            opened.extractall(room, filter="data")
        command += ["--binary", f"{triple}={room / archive.name.removesuffix('.tar.gz') / 'podsec'}"]
    formula = folder / "podsec.rb"
    if formula.exists():
        (url,) = set(re.findall(r'url "(\S+)/[^/"]+"', formula.read_text()))
        command += ["--url", url]
    run(*command, env=environment)
    assert (room / "again/SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()
    return "the same bytes"


CASES = [
    the_checksums,
    the_sbom,
    the_chart_and_its_artifact,
    the_krew_manifest,
    the_homebrew_formula,
    the_packing_is_reproducible,
]
