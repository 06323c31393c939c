#!/usr/bin/env python3
"""Refresh crates/podsec-apimachinery/data/openapi.json.gz: Kubernetes' published OpenAPI v2 definitions.

    tools/refresh-openapi.py 1.37.0 [WHEEL]

The source is the Python package kubernetes-validate (Apache-2.0), which ships the definitions of each Kubernetes
version with mechanical changes for JSON Schema validators. This undoes them, so that the result equals what
/openapi/v2 of a live server says, but for the field enums, which the package does not carry:

- references point into `$defs` instead of `definitions`;
- optional fields also allow null;
- `apiVersion` and `kind` of every object carry an enum;
- Quantity and IntOrString are spelled out as alternatives, without their descriptions.

The output is byte for byte the same for the same package: minified, keys sorted, no time stamp.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

OUTPUT = pathlib.Path(__file__).parent.parent / "crates/podsec-apimachinery/data/openapi.json.gz"

RESTORED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "description": "A number with a suffix: decimal (m, k, M, G, T, P, E), binary (Ki, Mi, Gi, Ti, Pi, Ei)"
        " or an exponent (e3).",
        "type": "string",
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "description": "A 32-bit integer or a string, such as a port number or its name, a count or a percentage.",
        "format": "int-or-string",
        "type": "string",
    },
}


def definitions(version: str, wheel: pathlib.Path) -> dict:
    path = f"kubernetes_validate/kubernetes-json-schema/v{version}-local/_definitions.json"
    with zipfile.ZipFile(wheel) as package:
        return json.loads(package.read(path))["$defs"]


def restored(schema: dict) -> dict:
    """The schema as Kubernetes publishes it."""
    result = {}
    for key, value in schema.items():
        if key == "$ref":
            value = value.replace("#/$defs/", "#/definitions/")
        elif key == "type" and isinstance(value, list):
            (value,) = (name for name in value if name != "null")
        elif key == "properties":
            value = {name: restored(field) for name, field in value.items()}
            for name in ("apiVersion", "kind"):
                value.get(name, {}).pop("enum", None)
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            value = restored(value)
        result[key] = value
    return result


def main() -> None:
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 2:
            wheel = pathlib.Path(sys.argv[2])
        else:
            download = ["download", "--no-deps", "--dest", folder, f"kubernetes-validate=={version}"]
            subprocess.run([sys.executable, "-m", "pip", *download], check=True)
            (wheel,) = pathlib.Path(folder).glob("*.whl")
        result = {name: restored(schema) for name, schema in definitions(version, wheel).items()}
    result |= RESTORED
    text = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    OUTPUT.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    print(f"{OUTPUT}: {len(result)} definitions, {len(text)} bytes, {OUTPUT.stat().st_size} compressed")


if __name__ == "__main__":
    main()
