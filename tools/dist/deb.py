"""podsec_VERSION_ARCHITECTURE.deb: the binary with manual pages and completions where Debian looks for them."""

from __future__ import annotations

import email.utils
import hashlib
import pathlib

import archive
from project import MAINTAINERS, NAME, ROOT, SUMMARY, Build, epoch, version

COMPLETIONS = {
    "podsec.bash": "usr/share/bash-completion/completions/podsec",
    "_podsec": "usr/share/zsh/vendor-completions/_podsec",
    "podsec.fish": "usr/share/fish/vendor_completions.d/podsec.fish",
}


def make(build: Build) -> tuple[str, bytes]:
    members = contents(build)
    sums = "".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content, _ in sorted(members))
    control = [("./control", control_file(build, members).encode(), False), ("./md5sums", sums.encode(), False)]
    data = [(f"./{name}", content, executable) for name, content, executable in members]
    parts = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", archive.tar_gz(control, folders=True)),
        ("data.tar.gz", archive.tar_gz(data, folders=True)),
    ]
    return f"{NAME}_{version()}_{build.target.debian}.deb", ar(parts)


def contents(build: Build) -> list[archive.Member]:
    documentation = f"usr/share/doc/{NAME}"
    changelog = f"{NAME} ({version()}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- {MAINTAINERS} <podsec@localhost>  {email.utils.formatdate(epoch())}\n"
    members: list[archive.Member] = [
        (f"usr/bin/{NAME}", build.binary.read_bytes(), True),
        (f"{documentation}/copyright", copyright_file(build).encode(), False),
        (f"{documentation}/changelog.gz", archive.zipped(changelog.encode()), False),
        (f"{documentation}/README.md", (ROOT / "README.md").read_bytes(), False),
    ]
    for page in sorted((build.documents / "man").glob("*.1")):
        members.append((f"usr/share/man/man1/{page.name}.gz", archive.zipped(page.read_bytes()), False))
    for name, to in COMPLETIONS.items():
        members.append((to, (build.documents / "completions" / name).read_bytes(), False))
    return members


def control_file(build: Build, members: list[archive.Member]) -> str:
    size = sum(-(-len(content) // 1024) for _, content, _ in members)
    return f"""Package: {NAME}
Version: {version()}
Architecture: {build.target.debian}
Maintainer: {MAINTAINERS} <podsec@localhost>
Installed-Size: {size}
Section: admin
Priority: optional
Description: {SUMMARY.split(":")[0]}
 Judges and mends manifests by Kubernetes' Pod Security Standards, runs an
 API server for tests, and an admission webhook for clusters.
"""


def copyright_file(build: Build) -> str:
    licences = (build.documents / "LICENCES.txt").read_text()
    licence = pathlib.Path(ROOT / "LICENSE").read_text()
    return f"{NAME} is licensed under the Apache License 2.0:\n\n{licence}\n\nIts dependencies:\n\n{licences}"


def ar(parts: list[tuple[str, bytes]]) -> bytes:
    """The archive that a Debian package is."""
    out = b"!<arch>\n"
    for name, content in parts:
        out += f"{name:<16}{epoch():<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    return out
