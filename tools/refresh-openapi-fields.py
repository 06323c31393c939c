#!/usr/bin/env python3
"""Refresh openapi-fields.txt and openapi-parameters.json in crates/podsec-apimachinery/data: what /openapi/v3 says of fields,
and the published definitions do not, and of the parameters of requests.

    tools/refresh-openapi-fields.py DOCUMENTS

DOCUMENTS is a JSON file (it may end in .xz) that holds the documents of a server's /openapi/v3 by path. A line is a field:

    io.k8s.api.core.v1.Container.imagePullPolicy enum ["Always","IfNotPresent","Never"] " - `\\"Always\\"` means …"
    io.k8s.api.core.v1.Container.resources default {}

An enum is followed by what the description says of its values. A default stands here when it is another than the rule's:
a required field that is no pointer has the zero of its type.

Parameters stand by name with their type and description; those that only a subresource takes stand under its path.
"""

import json
import lzma
import pathlib
import sys

DATA = pathlib.Path(__file__).parent.parent / "crates/podsec-apimachinery/data"
OUTPUT = DATA / "openapi-fields.txt"
PARAMETERS = DATA / "openapi-parameters.json"
VALUES = "\n\nPossible enum values:\n"
OPTIONS = ["pods/attach", "pods/exec", "pods/log", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"]
ZEROS = {"string": "", "integer": 0, "boolean": False}


def rule(field: dict, required: bool):
    """The default that a field has without a line."""
    if not required:
        return None
    if "allOf" in field or "$ref" in field:
        return {}
    return ZEROS.get(field.get("type"))


def text(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parameters(documents: dict) -> dict:
    """Every query parameter once, and the options of the subresources that have some of their own."""
    common, options = {}, {}
    for document in documents.values():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                given = operation if method == "parameters" else operation.get("parameters", [])
                for parameter in given:
                    if parameter["in"] == "query":
                        told = [parameter["schema"]["type"], parameter["description"]]
                        subresource = "/".join(path.split("/{path}")[0].split("/")[-3::2])
                        if subresource in OPTIONS and parameter["name"] != "pretty":
                            options.setdefault(subresource, {})[parameter["name"]] = told
                        elif method == "patch" and parameter["name"] == "fieldManager":
                            common["fieldManager of patch"] = told
                        elif parameter["name"] not in common or method != "parameters":
                            common[parameter["name"]] = told
    return {"common": common, "options": options}


def main() -> None:
    path = pathlib.Path(sys.argv[1])
    with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
        documents = json.load(file)
    lines = set()
    for document in documents.values():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            for field, value in schema.get("properties", {}).items():
                holder = value.get("items", value.get("additionalProperties", value))
                if "enum" in holder:
                    said = value.get("description", "").partition(VALUES)[2]
                    lines.add(f"{name}.{field} enum {text(holder['enum'])} {text(said)}")
                required = field in schema.get("required", [])
                if value.get("default") != rule(value, required):
                    lines.add(f"{name}.{field} default {text(value.get('default'))}")
    OUTPUT.write_text("".join(f"{line}\n" for line in sorted(lines)))
    PARAMETERS.write_text(json.dumps(parameters(documents), sort_keys=True, ensure_ascii=False, indent=1) + "\n")
    print(f"{OUTPUT}: {len(lines)} lines, {OUTPUT.stat().st_size} bytes; {PARAMETERS}")


if __name__ == "__main__":
    main()
