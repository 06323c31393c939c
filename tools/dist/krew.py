"""podsec.krew.yaml: the manifest with which `kubectl krew install` finds `kubectl podsec`."""

from __future__ import annotations

import archive
from project import NAME, SUMMARY, Build, version


def make(archives: list[tuple[Build, str, bytes]], url: str) -> tuple[str, bytes]:
    text = f"""apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: {NAME}
spec:
  version: v{version()}
  homepage: {url.split("/releases/")[0]}
  shortDescription: Judge and mend manifests by Pod Security Standards
  description: |
    {SUMMARY}
    `kubectl podsec check` says what the API server would refuse, at file, line and column.
  platforms:
"""
    for build, name, content in archives:
        system, architecture = build.target.go
        stem = name.removesuffix(".tar.gz")
        text += f"""  - selector:
      matchLabels:
        os: {system}
        arch: {architecture}
    uri: {url}/{name}
    sha256: {archive.sha256(content)}
    bin: {NAME}
    files:
    - from: {stem}/{NAME}
      to: .
    - from: {stem}/LICENSE
      to: .
"""
    return f"{NAME}.krew.yaml", text.encode()
