#!/usr/bin/env bash
# Runs every console block of README.md against a fresh `podsec serve`, shows the transcript and compares each
# answer with what stands in README.md.
# Usage: demo.sh PODSEC_BINARY [KUBECTL_BINARY]
set -uo pipefail

podsec=$(realpath "${1:?usage: demo.sh PODSEC_BINARY [KUBECTL_BINARY]}")
kubectl=$(realpath "${2:-$(command -v kubectl)}")
story=$(cd "$(dirname "$0")" && pwd)
stage=$(mktemp -d)
server=

finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
  fi
  rm -rf "$stage"
}
trap finish EXIT

mkdir "$stage/bin"
ln -s "$kubectl" "$stage/bin/kubectl"
cp "$story"/*.yaml "$stage"
cd "$stage" || exit 1
# kubectl caches discovery by host and port, and another server may have used ours.
export KUBECACHEDIR=$stage/cache KUBECONFIG=$stage/kubeconfig PATH=$stage/bin:$PATH

"$podsec" serve --in-memory --node --secure-port 0 --kubeconfig-out kubeconfig \
  --audit-policy-file audit-policy.yaml --audit-log-path audit.log --audit-log-maxage=30 2>server.log &
server=$!
for _ in $(seq 100); do
  [ -s kubeconfig ] && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
if ! [ -s kubeconfig ]; then
  echo "demo: podsec serve did not become ready:" >&2
  cat server.log >&2
  exit 1
fi

# What may differ between two runs and two versions of kubectl: ages, the widths of their columns, and kubectl
# 1.33's addition to "force deleted".
steady() {
  sed -E 's/\b[0-9]+(s|m|m[0-9]+s)\b/AGE/g; s/ from [a-z]+ namespace$//; s/ +/ /g' "$1"
}

bold= red= cyan= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' red=$'\033[31m' cyan=$'\033[36m' plain=$'\033[0m'
fi

steps=0
differences=0
command=
: >expected

check() {
  [ -n "$command" ] || return
  steps=$((steps + 1))
  printf '%s$ %s%s\n' "$bold" "$command" "$plain"
  bash -c "$command" >actual 2>&1 </dev/null
  local code=$?
  [ "$code" -eq 0 ] || echo "[exit status: $code]" >>actual
  cat actual
  if ! diff <(steady expected) <(steady actual) >difference; then
    differences=$((differences + 1))
    printf '%sThis differs from README.md (< expected, > actual):%s\n' "$red" "$plain"
    cat difference
  fi
  command=
  : >expected
}

inside=
while IFS= read -r line; do
  case "$inside,$line" in
    ,'```console') inside=yes ;;
    ,'## '*) printf '\n%s%s%s\n' "$cyan" "$line" "$plain" ;;
    yes,'```')
      check
      inside=
      ;;
    yes,'$ '*)
      check
      command=${line#\$ }
      ;;
    yes,*) printf '%s\n' "$line" >>expected ;;
  esac
done <"$story/README.md"

echo
if [ "$steps" -eq 0 ]; then
  echo "demo: README.md holds no command" >&2
  exit 1
fi
echo "demo: $((steps - differences)) of $steps commands answered as README.md says"
if [ "$differences" -ne 0 ]; then
  echo "--- the server's own words:" >&2
  tail -n 30 server.log >&2
  exit 1
fi
