#!/usr/bin/env python3
"""Refresh crates/podsec-kinds/data/internal-types.txt: the fields of kube-apiserver's internal Go structs.

    tools/refresh-internal-types.py KUBERNETES

KUBERNETES is a source tree of the version that podsec follows. Some messages of kube-apiserver show a struct of its
internal API, whose fields have no JSON names: `{"Name":"x","ResourceClaimName":null}`, or a diff of two of them. The
output has a line for each struct that such a message may show: its name, then its fields in their order as
`shown:public:type`. `shown` is the name in the message, `public` the JSON name in the public API; both are `.` for the
fields of an embedded struct of the same object. A type is a name, `*` for a pointer, `[]` for a list, `{}` for a map by
string; a `?` at the end says that zero is left out.
"""

import pathlib
import re
import sys

OUTPUT = pathlib.Path(__file__).parent.parent / "crates/podsec-kinds/data/internal-types.txt"
# What a message may show, with everything below it.
ROOTS = [
    "PodSpec",
    "PersistentVolumeSource",
    "PersistentVolumeClaimSpec",
    "VolumeNodeAffinity",
    "ScopeSelector",
    "ServicePort",
    "NodeConfigSource",
    "EventSource",
    "NodeAddress",
    "ObjectReference",
    "Taint",
    "Toleration",
    "metav1.LabelSelector",
    "metav1.ObjectMeta",
    "metav1.OwnerReference",
    "apiextensions.CustomResourceDefinitionSpec",
    "apps.DaemonSetUpdateStrategy",
    "apps.DeploymentStrategy",
    "apps.StatefulSetSpec",
    "authorization.NonResourceAttributes",
    "authorization.ResourceAttributes",
    "batch.JobSpec",
    "certificates.CertificateSigningRequestCondition",
    "flowcontrol.FlowSchemaSpec",
    "flowcontrol.PriorityLevelConfigurationSpec",
    "networking.ParentReference",
    "networking.ServiceCIDRSpec",
    "policy.PodDisruptionBudgetSpec",
    "rbac.RoleRef",
    "resource.AllocatedDeviceStatus",
    "resource.AllocationResult",
    "resource.DeviceAttribute",
    "resource.ResourceClaimSpec",
    "resource.ResourceClaimConsumerReference",
    "resource.ResourceClaimTemplateSpec",
    "resource.ResourceSliceSpec",
    "storage.CSINodeDriver",
    "storage.VolumeAttachmentSpec",
]
# The API groups beside core, whose types carry the name of their Go package.
GROUPS = [
    "apps",
    "authorization",
    "batch",
    "certificates",
    "flowcontrol",
    "networking",
    "policy",
    "rbac",
    "resource",
    "storage",
]
EXTENSIONS = "staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
CORE = ("pkg/apis/core/types.go", "staging/src/k8s.io/api/core/v1/types.go")
META = "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go"
# The metadata embedded in an internal struct is a field of the public one.
METADATA = {"PersistentVolumeClaimTemplate", "resource.ResourceClaimTemplateSpec"}


def parse(path: pathlib.Path) -> tuple[dict, dict]:
    """Each struct's fields (Go name, type, JSON tag), and the names of other types."""
    text = path.read_text()
    found = {}
    for name, body in re.findall(r"^type (\w+) struct \{\n(.*?)^\}", text, re.M | re.S):
        fields = []
        for line in body.splitlines():
            line = line.split("//")[0].strip()
            tag = re.search(r'json:"([^"]*)"', line)
            words = re.sub(r"`.*`", "", line).split()
            if len(words) == 1:
                fields.append(("", words[0], tag.group(1) if tag else ""))
            elif len(words) == 2 and words[0][0].isupper():
                fields.append((words[0], words[1], tag.group(1) if tag else ""))
        found[name] = fields
    found = {name: fields for name, fields in found.items() if fields}
    return found, dict(re.findall(r"^type (\w+) (string|int32|map\[\S+\]\S+|\[\]\S+|interface{})$", text, re.M))


class Types:
    def __init__(self, tree: pathlib.Path):
        self.internal, self.aliases = parse(tree / CORE[0])
        self.public, _ = parse(tree / CORE[1])
        meta, meta_aliases = parse(tree / META)
        self.meta = {"metav1." + name: fields for name, fields in meta.items()}
        self.aliases |= {"metav1." + name: target for name, target in meta_aliases.items()}
        self.todo, self.lines = list(ROOTS), {}
        for group in GROUPS:
            public = tree / f"staging/src/k8s.io/api/{group}/v1/types.go"
            self.add(group + ".", [tree / f"pkg/apis/{group}/types.go"], [public])
        files = ["types.go", "types_jsonschema.go"]
        folder = tree / EXTENSIONS
        self.add("apiextensions.", [folder / file for file in files], [folder / "v1" / file for file in files])

    def add(self, package: str, internal: list[pathlib.Path], public: list[pathlib.Path]) -> None:
        """Reads the types of an API group."""
        for path in internal:
            structs, aliases = parse(path)
            self.internal |= {package + name: fields for name, fields in structs.items()}
            self.aliases |= {package + name: target for name, target in aliases.items()}
        for path in public:
            self.public |= {package + name: fields for name, fields in parse(path)[0].items()}

    def kind(self, text: str, package: str) -> str:
        for prefix in ("*", "[]"):
            if text.startswith(prefix):
                return prefix + self.kind(text[len(prefix) :], package)
        if text.startswith("map["):
            return "{}" + self.kind(text.split("]", 1)[1], package)
        for core in ("core.", "api.", "v1."):
            if text.startswith(core):
                text, package = text[len(core) :], ""
        name = text if "." in text or text[0].islower() else package + text
        if name in self.aliases:
            return self.kind(self.aliases[name], package)
        if name in self.internal or name in self.meta and name not in ("metav1.Time", "metav1.FieldsV1"):
            self.todo.append(name)
            return name
        return {"types.UID": "string"}.get(name, name)

    def line(self, name: str) -> str:
        words = [name]
        if name in self.meta:
            for _, type_, tag in self.meta[name]:
                json, *options = tag.split(",")
                zero = "?" if "omitempty" in options or "omitzero" in options else ""
                words.append(f"{json}:{json}:{self.kind(type_, 'metav1.')}{zero}")
            return " ".join(words)
        names = {field: tag.split(",")[0] for field, _, tag in self.public.get(name, [])}
        package = name.rpartition(".")[0]
        package += "." if package else ""
        for field, type_, _ in self.internal[name]:
            if not field:
                public = "metadata" if name in METADATA and type_.endswith("ObjectMeta") else "."
                words.append(f".:{public}:{self.kind(type_, package)}")
            else:
                public = names.get(field) or field[0].lower() + field[1:]
                words.append(f"{field}:{public}:{self.kind(type_, package)}")
        return " ".join(words)

    def all(self) -> list[str]:
        while self.todo:
            name = self.todo.pop(0)
            if name not in self.lines:
                self.lines[name] = ""
                self.lines[name] = self.line(name)
        return sorted(self.lines.values())


def main() -> None:
    lines = Types(pathlib.Path(sys.argv[1])).all()
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(f"{OUTPUT}: {len(lines)} structs")


if __name__ == "__main__":
    main()
