"""What the project says of itself: the one place where artifacts take names, versions and times from."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "podsec"
SUMMARY = "Kubernetes Pod Security as one binary: the same verdicts as Kubernetes, word for word."
LICENCE = "Apache-2.0"
MAINTAINERS = "The podsec authors"


@dataclasses.dataclass(frozen=True)
class Target:
    """A platform, and what each packaging format calls it."""

    triple: str
    """Rust's name."""
    debian: str
    go: tuple[str, str]
    """Operating system and architecture as Go, OCI and krew call them."""
    node: tuple[str, str]
    """`process.platform` and `process.arch`."""
    wheel: str


# Both are static: glibc on x86_64, since musl's allocator holds up every review of the webhook; musl where the C library
# must come with the cross compiler.
TARGETS = (
    Target(
        "x86_64-unknown-linux-gnu",
        "amd64",
        ("linux", "amd64"),
        ("linux", "x64"),
        "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    ),
    Target(
        "aarch64-unknown-linux-musl",
        "arm64",
        ("linux", "arm64"),
        ("linux", "arm64"),
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    ),
)


@dataclasses.dataclass(frozen=True)
class Build:
    """A binary, and what it says of itself that packages hold."""

    target: Target
    binary: pathlib.Path
    documents: pathlib.Path
    """A folder with man/, completions/ and LICENCES.txt; the same for every target."""


@functools.cache
def version() -> str:
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    return manifest["workspace"]["package"]["version"]


@functools.cache
def epoch() -> int:
    """The time that every file of an artifact has: SOURCE_DATE_EPOCH, else that of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@functools.cache
def metadata(triple: str) -> dict:
    """Packages and how they depend on each other, as Cargo resolves them for a target."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={triple}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)


def dependencies(triple: str) -> list[dict]:
    """Every package of the binary, by name and version. What only builds or tests it is left out."""
    resolved = metadata(triple)
    packages = {package["id"]: package for package in resolved["packages"]}
    nodes = {node["id"]: node for node in resolved["resolve"]["nodes"]}
    waiting = [package["id"] for package in resolved["packages"] if package["name"] == NAME and package["source"] is None]
    found: set[str] = set()
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting.extend(direct_dependencies(nodes[package]))
    return sorted((packages[package] for package in found), key=lambda package: (package["name"], package["version"]))


def direct_dependencies(node: dict) -> list[str]:
    """What a package is linked with, by Cargo's identifiers."""
    return sorted(
        dependency["pkg"]
        for dependency in node["deps"]
        if any(kind["kind"] is None for kind in dependency["dep_kinds"])
    )
