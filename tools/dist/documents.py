"""What packages hold besides the binary: manual pages, completions, licences."""

from __future__ import annotations

import pathlib
import subprocess

import licences

SHELLS = {"bash": "podsec.bash", "zsh": "_podsec", "fish": "podsec.fish"}


def write(runnable: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes them, as a binary that runs on this machine prints them."""
    (folder / "man").mkdir(parents=True, exist_ok=True)
    (folder / "completions").mkdir(exist_ok=True)
    subprocess.run([runnable, "man", folder / "man"], check=True)
    for shell, name in SHELLS.items():
        printed = subprocess.run([runnable, "completions", shell], check=True, capture_output=True).stdout
        (folder / "completions" / name).write_bytes(printed)
    (folder / "LICENCES.txt").write_text(licences.text())
