"""podsec-VERSION-py3-none-PLATFORM.whl: `pip install` puts the binary on PATH."""

from __future__ import annotations

import base64
import hashlib

import archive
from project import LICENCE, NAME, ROOT, SUMMARY, Build, version


def make(build: Build) -> tuple[str, bytes]:
    tag = f"py3-none-{build.target.wheel}"
    info = f"{NAME}-{version()}.dist-info"
    members: list[archive.Member] = [
        (f"{NAME}-{version()}.data/scripts/{NAME}", build.binary.read_bytes(), True),
        (f"{info}/METADATA", metadata().encode(), False),
        (f"{info}/WHEEL", wheel(build).encode(), False),
        (f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), False),
        (f"{info}/licenses/LICENCES.txt", (build.documents / "LICENCES.txt").read_bytes(), False),
    ]
    record = [f"{name},sha256={digest(content)},{len(content)}" for name, content, _ in members]
    record.append(f"{info}/RECORD,,")
    members.append((f"{info}/RECORD", ("\n".join(record) + "\n").encode(), False))
    return f"{NAME}-{version()}-{tag}.whl", archive.zip_file(members)


def metadata() -> str:
    return f"""Metadata-Version: 2.4
Name: {NAME}
Version: {version()}
Summary: {SUMMARY}
License-Expression: {LICENCE}
License-File: LICENSE
License-File: LICENCES.txt
Keywords: kubernetes,pod-security,admission,lint,policy
Classifier: Environment :: Console
Classifier: Operating System :: POSIX :: Linux
Classifier: Topic :: Security
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{(ROOT / "README.md").read_text()}"""


def wheel(build: Build) -> str:
    tags = "".join(f"Tag: py3-none-{platform}\n" for platform in build.target.wheel.split("."))
    return f"Wheel-Version: 1.0\nGenerator: podsec tools/dist\nRoot-Is-Purelib: false\n{tags}"


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
