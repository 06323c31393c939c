"""podsec-VERSION.oci.tar: an image layout with one image a platform under one index; scratch, run as nobody."""

from __future__ import annotations

import datetime
import hashlib
import json

import archive
from project import LICENCE, NAME, SUMMARY, Build, epoch, version

USER = "65532:65532"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

def make(builds: list[Build]) -> tuple[str, bytes]:
    layout = Layout()
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [image(layout, build) for build in builds],
        "annotations": annotations(),
    }
    return f"{NAME}-{version()}.oci.tar", layout.close(INDEX, dump(index))

def image(layout: Layout, build: Build) -> dict:
    """One platform's image, as its index names it."""
    system, architecture = build.target.go
    layer = archive.tar([(NAME, build.binary.read_bytes(), True)])
    config = {
        "created": datetime.datetime.fromtimestamp(epoch(), datetime.timezone.utc).isoformat(),
        "os": system,
        "architecture": architecture,
        "config": {"User": USER, "Entrypoint": [f"/{NAME}"], "Labels": annotations()},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{archive.sha256(layer)}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add("application/vnd.oci.image.config.v1+json", dump(config)),
        "layers": [layout.add("application/vnd.oci.image.layer.v1.tar+gzip", archive.zipped(layer))],
    }
    return layout.add(MANIFEST, dump(manifest)) | {"platform": {"os": system, "architecture": architecture}}

def annotations() -> dict[str, str]:
    return {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.description": SUMMARY,
        "org.opencontainers.image.licenses": LICENCE,
        "org.opencontainers.image.version": version(),
    }

class Layout:
    """An OCI image layout that is filled blob by blob."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, media_type: str, content: bytes) -> dict:
        """Keeps a blob, and describes it."""
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def close(self, media_type: str, content: bytes) -> bytes:
        """The layout as a tar file, whose one entry is `content`, tagged with the version."""
        entry = self.add(media_type, content) | {"annotations": {"org.opencontainers.image.ref.name": version()}}
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        members = [
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', False),
            ("index.json", dump(index), False),
            *((f"blobs/sha256/{digest}", blob, False) for digest, blob in self.blobs.items()),
        ]
        return archive.tar(members)

def dump(document: dict) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
