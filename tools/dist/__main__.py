"""Makes everything that people install, under target/dist, and says what it made.

    python3 tools/dist                                   builds the binaries first
    python3 tools/dist --binary x86_64-unknown-linux-gnu=target/debug/podsec
                                                         packs one that is there, to try the packing
"""

from __future__ import annotations

import argparse
import pathlib
import platform
import shutil

import archive
import build
import chart
import deb
import documents
import homebrew
import krew
import npm
import oci
import sbom
import tarball
import wheel
from project import ROOT, TARGETS, Build, Target


def main() -> None:
    options = arguments()
    out: pathlib.Path = options.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    builds = binaries(options)
    made: list[tuple[str, bytes]] = []
    archives = []
    for one in builds:
        name, content = tarball.make(one)
        archives.append((one, name, content))
        made += [(name, content), sbom.make(one), wheel.make(one), npm.make_platform(one), deb.make(one)]
    made += [npm.make_main(builds), oci.make(builds), chart.make(), chart.make_artifact()]
    if options.url:
        made += [krew.make(archives, options.url), homebrew.make(archives, options.url)]
    for name, content in made:
        (out / name).write_bytes(content)
    sums = "".join(f"{archive.sha256(content)}  {name}\n" for name, content in sorted(made))
    (out / "SHA256SUMS").write_text(sums)
    print(sums, end="")
    if not options.url:
        print("not made for want of --url, which says where the archives will be: podsec.krew.yaml, podsec.rb")


def binaries(options: argparse.Namespace) -> list[Build]:
    """The binary of every target that is asked for, and the documents that one of them prints."""
    if options.binary:
        found = [(target_named(name), pathlib.Path(path)) for name, path in options.binary]
    else:
        found = [(target, build.build(target, options.build_folder)) for target in TARGETS]
    runnable = next((path for target, path in found if target.triple.startswith(platform.machine())), None)
    if runnable is None:
        raise SystemExit("none of the binaries runs here: manual pages and completions are printed by one")
    folder = options.out.parent / "dist-documents"
    shutil.rmtree(folder, ignore_errors=True)
    documents.write(runnable.resolve(), folder)
    return [Build(target, path, folder) for target, path in found]


def target_named(name: str) -> Target:
    for target in TARGETS:
        if target.triple == name:
            return target
    raise SystemExit(f"{name} is none of {', '.join(target.triple for target in TARGETS)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/dist", help="where to put it")
    parser.add_argument("--url", help="where the archives can be downloaded, as https://HOST/OWNER/podsec/releases/download/vVERSION")
    parser.add_argument("--binary", action="append", type=lambda text: text.split("=", 1), metavar="TARGET=FILE")
    parser.add_argument("--build-folder", type=pathlib.Path, default=ROOT / "target/dist-build", help="Cargo's target folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
