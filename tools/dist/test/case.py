"""What the tests of artifacts have in common: one file by its pattern, a program if it is there, the tutorial's verdict."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
TUTORIAL = ROOT / "examples/tutorial"


class NotHere(Exception):
    """A program that this machine does not have."""


def one(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    found = sorted(folder.glob(pattern))
    assert len(found) == 1, f"want one {pattern}, found {[path.name for path in found]}"
    return found[0]


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotHere(name)
    return path


def run(*command: str | pathlib.Path, **options: object) -> str:
    """The standard output of a command that has to succeed."""
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def judges(*command: str | pathlib.Path, **options: object) -> str:
    """Has podsec judge the tutorial's pods: one is restricted, one is not."""
    words = [str(word) for word in command]
    good = subprocess.run([*words, "check", "--level", "restricted", str(TUTORIAL / "restricted-pod.yaml")], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert good.returncode == 0, f"the restricted pod is refused: {good.stdout}{good.stderr}"
    bad = subprocess.run([*words, "check", "--level", "restricted", str(TUTORIAL / "baseline-pod.yaml")], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert bad.returncode == 1 and "allowPrivilegeEscalation != false" in bad.stdout + bad.stderr, f"the other is not refused: {bad.stdout}{bad.stderr}"
    return "podsec check judged the tutorial"
