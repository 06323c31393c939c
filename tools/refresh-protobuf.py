#!/usr/bin/env python3
"""Refresh crates/podsec-apimachinery/data/protobuf.txt: the protobuf messages of the stored kinds.

    tools/refresh-protobuf.py KUBERNETES

KUBERNETES is a checkout of kubernetes/kubernetes. Everything stands in the tags of the structs in its `types.go`: the
JSON name and the number of a field, and whether Go leaves out its zero value. A line of the file is a message:

    core.v1.PodSpec volumes=1:[]core.v1.Volume? hostname=16:string? …

A field is its JSON name (`.` for the fields of an inlined struct), its number and its type (`[]` list, `{}` map by string),
then `*` when it is a pointer and `?` when Go takes its zero value for absence. Messages of the file that the source does
not have stay as they are: they are of a newer version, or are written by hand in Go; of the latter, `~` stands where Go omits
a zero that may still be told from absence.
"""

import pathlib
import re
import sys

OUTPUT = pathlib.Path(__file__).parent.parent / "crates/podsec-apimachinery/data/protobuf.txt"
STRUCT = re.compile(r"^type (\w+) struct \{$")
ALIAS = re.compile(r"^type (\w+) ([\w.\[\]*]+)(?: *//.*)?$")
FIELD = re.compile(r"^\t(?:(\w+)\s+)?([\w.\[\]*]+)\s+`(.*)`")
SCALARS = {
    "string": "string", "bool": "bool", "int32": "int32", "int64": "int64", "int": "int64", "float64": "double",
    "uint8": "int32", "[]byte": "bytes",
}
# Where a Go package's types are, by the name of its messages.
PACKAGES = {
    "apis.meta.v1": "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1",
    "apiextensions.v1": "staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1",
    "apiregistration.v1": "staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1",
}
IMPORTED = {"metav1": "apis.meta.v1", "v1": "core.v1", "corev1": "core.v1"}
FOREIGN = {"resource.Quantity": "api.resource.Quantity", "runtime.RawExtension": "runtime.RawExtension",
           "intstr.IntOrString": "util.intstr.IntOrString", "types.UID": "string", "types.NodeName": "string"}
# They write themselves, and are no messages of fields.
OWN = {"apis.meta.v1.Time", "apis.meta.v1.MicroTime", "apis.meta.v1.FieldsV1", "apiextensions.v1.JSON"}


class Package:
    def __init__(self, name: str, folder: pathlib.Path):
        self.name, self.structs, self.aliases, self.imports = name, {}, {}, dict(IMPORTED)
        for path in sorted(folder.glob("*.go")):
            if not path.name.endswith("_test.go") and "generated" not in path.name:
                self.read(path.read_text())

    def read(self, text: str) -> None:
        for alias, path in re.findall(r'^\t(\w+)? ?"k8s.io/(?:api|apimachinery/pkg/apis)/(\w+/\w+)"', text, re.M):
            self.imports[alias or path.split("/")[1]] = ("apis.meta.v1" if path == "meta/v1" else path.replace("/", "."))
        struct = None
        for line in text.splitlines():
            if struct is not None:
                if line == "}":
                    struct = None
                elif found := FIELD.match(line):
                    struct.append(found.groups())
            elif found := STRUCT.match(line):
                struct = self.structs.setdefault(found[1], [])
            elif found := ALIAS.match(line):
                self.aliases[found[1]] = found[2]


def type_of(package: Package, packages: dict, go: str) -> tuple[str, bool]:
    """The type as the file writes it, and whether it is a pointer."""
    if go.startswith("*"):
        return type_of(package, packages, go[1:])[0], True
    if go in SCALARS:
        return SCALARS[go], False
    if go.startswith("[]"):
        return "[]" + type_of(package, packages, go[2:])[0], False
    if found := re.fullmatch(r"map\[[\w.]+\](.+)", go):
        return "{}" + type_of(package, packages, found[1])[0], False
    if go in FOREIGN:
        return FOREIGN[go], False
    name = go
    if "." in go:
        module, name = go.split(".")
        package = packages[package.imports[module]]
    if f"{package.name}.{name}" in OWN or name in package.structs:
        return f"{package.name}.{name}", False
    return type_of(package, packages, package.aliases[name])


def line_of(package: Package, packages: dict, name: str) -> str | None:
    fields = []
    for _, go, tag in package.structs[name]:
        json = re.search(r'json:"([^"]*)"', tag)
        protobuf = re.search(r'protobuf:"\w+,(\d+)', tag)
        if not (json and protobuf):
            continue
        words = json[1].split(",")
        kind, pointer = type_of(package, packages, go)
        inlined = words[0] == "" and "inline" in words
        left_out = "omitempty" in words or "omitzero" in words
        mark = "*" if pointer else "?" if left_out else ""
        fields.append((int(protobuf[1]), f"{'.' if inlined else words[0]}={protobuf[1]}:{kind}{'' if inlined else mark}"))
    return " ".join([f"{package.name}.{name}", *(text for _, text in sorted(fields))]) if fields else None


def main() -> None:
    source = pathlib.Path(sys.argv[1])
    old = {line.split(" ")[0]: line for line in OUTPUT.read_text().splitlines()}
    packages = {}
    for name in sorted({message.rsplit(".", 1)[0] for message in old}):
        folder = source / PACKAGES.get(name, "staging/src/k8s.io/api/" + name.replace(".", "/"))
        if folder.is_dir():
            packages[name] = Package(name, folder)
    lines, waiting = {}, sorted(old)
    while waiting:
        message = waiting.pop()
        package, name = message.rsplit(".", 1)
        if message in lines:
            continue
        try:
            known = message not in OWN and package in packages and name in packages[package].structs
            made = line_of(packages[package], packages, name) if known else None
        except KeyError:
            # A type that writes itself.
            made = None
        lines[message] = made or old.get(message)
        if lines[message] is None:
            del lines[message]
            continue
        waiting.extend(re.findall(r":(?:\{\}|\[\])*((?:\w+\.)+v\d\w*\.[A-Z]\w*)", lines[message]))
    OUTPUT.write_text("".join(f"{lines[message]}\n" for message in sorted(lines)))
    print(f"{OUTPUT}: {len(lines)} messages, {sum(lines[m] != old.get(m) for m in lines)} of them changed")


if __name__ == "__main__":
    main()
