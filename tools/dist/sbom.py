"""podsec-VERSION-TARGET.cdx.json: what a binary is made of, in CycloneDX 1.6."""

from __future__ import annotations

import datetime
import json
import tomllib
import uuid

import archive
from project import NAME, ROOT, Build, dependencies, direct_dependencies, epoch, metadata, version


def make(build: Build) -> tuple[str, bytes]:
    triple = build.target.triple
    packages = dependencies(triple)
    sums = checksums()
    references = {package["id"]: reference(package) for package in packages}
    nodes = {node["id"]: node for node in metadata(triple)["resolve"]["nodes"]}
    binary = archive.sha256(build.binary.read_bytes())
    main = next(package for package in packages if package["name"] == NAME)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, triple + binary)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch(), datetime.timezone.utc).isoformat(),
            "component": component(main, sums) | {
                "type": "application",
                "hashes": [{"alg": "SHA-256", "content": binary}],
                "properties": [{"name": "cargo:target", "value": triple}],
            },
        },
        "components": [component(package, sums) for package in packages if package is not main],
        "dependencies": [
            {
                "ref": references[package["id"]],
                "dependsOn": sorted(references[name] for name in direct_dependencies(nodes[package["id"]])),
            }
            for package in packages
        ],
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return f"{NAME}-{version()}-{triple}.cdx.json", text.encode()


def component(package: dict, sums: dict[tuple[str, str], str]) -> dict:
    described = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package["license"]:
        # Older packages write a slash for OR.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def reference(package: dict) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums() -> dict[tuple[str, str], str]:
    """The SHA-256 sums of packages as the registry has them."""
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(package["name"], package["version"]): package["checksum"] for package in locked if "checksum" in package}
