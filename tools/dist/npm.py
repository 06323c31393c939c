"""podsec-VERSION.tgz and @podsec/PLATFORM packages: npm installs the one that fits, and `npx podsec` runs it."""

from __future__ import annotations

import json

import archive
from project import LICENCE, NAME, ROOT, SUMMARY, Build, version

SCOPE = "@podsec"


def make_platform(build: Build) -> tuple[str, bytes]:
    """The package of one platform, which holds the binary."""
    system, architecture = build.target.node
    package = {
        "name": f"{SCOPE}/{system}-{architecture}",
        "version": version(),
        "description": f"The binary of podsec for {system} on {architecture}.",
        "license": LICENCE,
        "os": [system],
        "cpu": [architecture],
        "files": ["bin/podsec", "LICENSE", "LICENCES.txt"],
    }
    members = [
        ("package/package.json", dump(package), False),
        (f"package/bin/{NAME}", build.binary.read_bytes(), True),
        ("package/LICENSE", (ROOT / "LICENSE").read_bytes(), False),
        ("package/LICENCES.txt", (build.documents / "LICENCES.txt").read_bytes(), False),
    ]
    return f"podsec-{system}-{architecture}-{version()}.tgz", archive.tar_gz(members)


def make_main(builds: list[Build]) -> tuple[str, bytes]:
    """The package that people name, which starts the binary of whatever platform it is on."""
    platforms = ["-".join(build.target.node) for build in builds]
    package = {
        "name": NAME,
        "version": version(),
        "description": SUMMARY,
        "license": LICENCE,
        "keywords": ["kubernetes", "pod-security", "admission", "lint"],
        "bin": {NAME: "bin/podsec.js"},
        "files": ["bin/podsec.js", "LICENSE", "README.md"],
        "engines": {"node": ">=18"},
        "optionalDependencies": {f"{SCOPE}/{platform}": version() for platform in platforms},
    }
    launcher = (ROOT / "tools/dist/npm-launcher.js").read_bytes()
    members = [
        ("package/package.json", dump(package), False),
        ("package/bin/podsec.js", launcher, True),
        ("package/LICENSE", (ROOT / "LICENSE").read_bytes(), False),
        ("package/README.md", (ROOT / "README.md").read_bytes(), False),
    ]
    return f"podsec-{version()}.tgz", archive.tar_gz(members)


def dump(package: dict) -> bytes:
    return (json.dumps(package, indent=2) + "\n").encode()
