#!/usr/bin/env python3
"""Refresh crates/podsec-apimachinery/data/minors: which kinds and fields each minor of Kubernetes added.

    tools/refresh-minors.py WHEEL

WHEEL is that of the Python package kubernetes-validate (Apache-2.0), which ships the definitions of many versions. A line of
`1.37.txt` is what 1.37 added to 1.36: a kind by its definition, or fields of a definition that was there:

    kind io.k8s.api.certificates.v1.ClusterTrustBundle
    io.k8s.api.core.v1.PodSpec schedulingGroup
"""

import json
import pathlib
import sys
import zipfile

DATA = pathlib.Path(__file__).parent.parent / "crates/podsec-apimachinery/data"
FIRST = 30


def definitions(wheel: zipfile.ZipFile, minor: int) -> dict:
    path = f"kubernetes_validate/kubernetes-json-schema/v1.{minor}.0-local/_definitions.json"
    return json.loads(wheel.read(path))["$defs"]


def is_served(definition: str) -> bool:
    """Kinds in alpha and beta are not served, whatever came to them."""
    return "alpha" not in definition and "beta" not in definition


def main() -> None:
    folder = DATA / "minors"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        last = max(int(name.split("/v1.")[1].split(".")[0]) for name in wheel.namelist() if "-local/_definitions" in name)
        older = definitions(wheel, FIRST)
        for minor in range(FIRST + 1, last + 1):
            newer = definitions(wheel, minor)
            lines = []
            for name in sorted(filter(is_served, newer)):
                if name not in older:
                    if "x-kubernetes-group-version-kind" in newer[name] and not name.endswith("List"):
                        lines.append(f"kind {name}")
                    continue
                added = sorted(set(newer[name].get("properties", {})) - set(older[name].get("properties", {})))
                if added:
                    lines.append(" ".join([name, *added]))
            (folder / f"1.{minor}.txt").write_text("".join(f"{line}\n" for line in lines))
            print(f"1.{minor}: {len(lines)} lines")
            older = newer


if __name__ == "__main__":
    main()
