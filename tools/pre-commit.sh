#!/usr/bin/env bash
# Runs podsec for pre-commit: the one on PATH, else one that is built, once, in pre-commit's own clone of this repository.
set -euo pipefail

if command -v podsec >/dev/null; then
  exec podsec "$@"
fi
clone=$(cd "$(dirname "$0")/.." && pwd)
podsec=$clone/target/release/podsec
if [ ! -x "$podsec" ]; then
  echo "podsec: not on PATH, building it once in $clone" >&2
  CARGO_TARGET_DIR=$clone/target \
    cargo build --release --locked --quiet --manifest-path "$clone/Cargo.toml" --package podsec >&2
fi
exec "$podsec" "$@"
