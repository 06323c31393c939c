#!/usr/bin/env bash
# Installs podsec into $RUNNER_TEMP/podsec/bin for the GitHub Action: the binary of the release whose tag the action is
# used at, verified by its checksum, else one that is built from the action's own sources.
set -euo pipefail

folder=$RUNNER_TEMP/podsec
sources=$(cd "$(dirname "$0")/.." && pwd)
case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
  Linux-X64) target=x86_64-unknown-linux-gnu ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  *) target= ;;
esac

if [[ -n $target && ${ACTION_REF:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  stem=podsec-${ACTION_REF#v}-$target
  url=${GITHUB_SERVER_URL:-https://github.com}/$ACTION_REPOSITORY/releases/download/$ACTION_REF
  stage=$(mktemp -d "$RUNNER_TEMP/podsec.XXXXXX")
  trap 'rm -rf "$stage"' EXIT
  curl --fail --silent --show-error --location --retry 3 --output "$stage/$stem.tar.gz" "$url/$stem.tar.gz"
  curl --fail --silent --show-error --location --retry 3 --output "$stage/SHA256SUMS" "$url/SHA256SUMS"
  # A file that the list does not name is as bad as one that differs.
  (cd "$stage" && grep -F "  $stem.tar.gz" SHA256SUMS | sha256sum --check --strict -)
  tar --extract --gzip --file "$stage/$stem.tar.gz" --directory "$stage"
  mkdir -p "$folder/bin"
  install -m 755 "$stage/$stem/podsec" "$folder/bin/podsec"
else
  echo "no release for ${ACTION_REF:-this ref} on ${RUNNER_OS:-this system}: podsec is built from its sources"
  cargo install --locked --quiet --path "$sources/crates/podsec" --root "$folder"
fi
