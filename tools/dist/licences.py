"""The licences of everything that is linked into a binary, in one text."""

from __future__ import annotations

import pathlib

from project import TARGETS, dependencies

NAMES = ("licen", "copying", "notice", "unlicense")


def text() -> str:
    """One part a package: its name, its licence, and the texts that it comes with."""
    packages = {(p["name"], p["version"]): p for target in TARGETS for p in dependencies(target.triple)}
    return "\n".join(part(package) for _, package in sorted(packages.items()) if package["source"] is not None)


def part(package: dict) -> str:
    title = f"{package['name']} {package['version']}: {package['license'] or 'see its text'}"
    lines = [title, "=" * len(title), ""]
    for path in texts(package):
        lines += [f"--- {path.name} ---", path.read_text(errors="replace").rstrip(), ""]
    if len(lines) == 3:
        lines += [f"No text comes with the package; the licence is {package['license']}.", ""]
    return "\n".join(lines)


def texts(package: dict) -> list[pathlib.Path]:
    folder = pathlib.Path(package["manifest_path"]).parent
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES))
