"""podsec-webhook-VERSION.tgz, and the same chart as an OCI artifact that `helm pull oci://` takes."""

from __future__ import annotations

import json
import re

import archive
from oci import MANIFEST, Layout, dump
from project import ROOT, version

CHART = "podsec-webhook"
FOLDER = ROOT / "deploy/helm" / CHART


def make() -> tuple[str, bytes]:
    return f"{CHART}-{chart_version()}.tgz", archive.tar_gz(archive.files(FOLDER, f"{CHART}/"))


def make_artifact() -> tuple[str, bytes]:
    layout = Layout()
    _, chart = make()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add("application/vnd.cncf.helm.config.v1+json", dump(metadata())),
        "layers": [layout.add("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart)],
        "annotations": {"org.opencontainers.image.title": CHART, "org.opencontainers.image.version": chart_version()},
    }
    return f"{CHART}-{chart_version()}.oci.tar", layout.close(MANIFEST, dump(manifest))


def metadata() -> dict[str, str]:
    """Chart.yaml, which holds one scalar a line."""
    pairs = re.findall(r"^(\w+): *(.*)$", (FOLDER / "Chart.yaml").read_text(), re.MULTILINE)
    return {name: json.loads(value) if value.startswith('"') else value for name, value in pairs}


def chart_version() -> str:
    found = metadata()
    if found["appVersion"] != version():
        raise SystemExit(f"deploy/helm/{CHART}/Chart.yaml: appVersion is {found['appVersion']}, podsec is {version()}")
    return found["version"]
