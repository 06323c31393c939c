"""Static binaries, the same bytes from the same commit and compiler."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import venv

from project import NAME, ROOT, Target, epoch

# Pinned: another linker makes other bytes.
ZIG = ("ziglang==0.15.2", "cargo-zigbuild==0.24.1")


def build(target: Target, folder: pathlib.Path) -> pathlib.Path:
    """Builds the binary for a target in Cargo's target folder, and says where it is."""
    environment = reproducible(target, folder)
    cargo = ["cargo", "build"]
    if "musl" in target.triple:
        subprocess.run(["rustup", "target", "add", target.triple], check=True, cwd=ROOT)
        tools = zig(ROOT / "target/tools/zig")
        environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
        cargo = ["cargo", "zigbuild"]
    arguments = ["--release", "--locked", "--package", NAME, "--target", target.triple, "--target-dir", str(folder)]
    subprocess.run([*cargo, *arguments], check=True, cwd=ROOT, env=environment)
    return folder / target.triple / "release" / NAME


def reproducible(target: Target, folder: pathlib.Path) -> dict[str, str]:
    """The environment of a build whose result does not tell where and when it was made."""
    home = os.environ.get("CARGO_HOME", str(pathlib.Path.home() / ".cargo"))
    places = {str(ROOT): "/podsec", home: "/cargo", str(folder): "/target"}
    flags = [f"--remap-path-prefix={place}={name}" for place, name in places.items()]
    name = target.triple.replace("-", "_")
    return os.environ | {
        "SOURCE_DATE_EPOCH": str(epoch()),
        "CARGO_INCREMENTAL": "0",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(["-Ctarget-feature=+crt-static", *flags]),
        f"CFLAGS_{name}": " ".join(f"-ffile-prefix-map={place}={name}" for place, name in places.items()),
    }


def zig(folder: pathlib.Path) -> pathlib.Path:
    """The folder of programs of a C compiler for other machines, installed once from Python packages."""
    programs = folder / "bin"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(ZIG):
        venv.create(folder, with_pip=True)
        subprocess.run([programs / "pip", "install", "--quiet", *ZIG], check=True, stdout=sys.stderr)
        stamp.write_text(" ".join(ZIG))
    return programs
