"""podsec-VERSION-TARGET.tar.gz: the binary with its manual pages, completions and licences."""

from __future__ import annotations

import archive
from project import NAME, ROOT, Build, version


def make(build: Build) -> tuple[str, bytes]:
    name = stem(build)
    members = [
        (f"{name}/{NAME}", build.binary.read_bytes(), True),
        (f"{name}/LICENSE", (ROOT / "LICENSE").read_bytes(), False),
        (f"{name}/README.md", (ROOT / "README.md").read_bytes(), False),
        (f"{name}/CHANGELOG.md", (ROOT / "CHANGELOG.md").read_bytes(), False),
        *archive.files(build.documents, f"{name}/"),
    ]
    return f"{name}.tar.gz", archive.tar_gz(members)


def stem(build: Build) -> str:
    return f"{NAME}-{version()}-{build.target.triple}"
