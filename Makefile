# Every task of the project, one a target. `make demo` and `make test` need Rust and git alone; they install pinned
# clients of Kubernetes under target/tools.
.PHONY: etcd demo test conformance check fuzz bench bench-webhook deny advisories dist dist-test dist-reproduce

TARGET := $(or $(CARGO_TARGET_DIR),target)

# Builds podsec, starts the server, runs the tutorial with real kubectl and compares every answer.
demo:
	cargo build --release --locked --package podsec
	kubectl=$$(tools/client.sh kubectl) && examples/tutorial/demo.sh $(TARGET)/release/podsec "$$kubectl"

# All tests: those that need nothing, and those that are ignored unless a client of Kubernetes is named.
test:
	cargo test --workspace --locked
	kubectl=$$(tools/client.sh kubectl --pinned) && helm=$$(tools/client.sh helm --pinned) && \
		KUBECTL_PINNED=$$kubectl HELM_PINNED=$$helm cargo test --package podsec --package podsec-webhook --locked -- \
		--ignored --skip kubectl_1_32 --skip etcd
	if command -v xmllint; then cargo test --package podsec-manifest --test schemas --locked -- --ignored; \
		else echo "not run for want of xmllint: junit_is_valid_against_the_schema_of_jenkins"; fi
	cargo test --package podsec-webhook --features opentelemetry --locked traces
	if command -v etcd; then $(MAKE) etcd; else echo "not run for want of etcd: the store in etcd, servers over it"; fi

# The tests that need an etcd (Debian's etcd-server).
etcd:
	cargo test --package podsec-storage --test suite --locked -- --ignored etcd
	cargo test --package podsec --test etcd --locked -- --ignored

# The tests that need what cannot be part of the repository: thousands of manifests of other projects and answers of
# Kubernetes, in the folders corpus/ and recordings/ of $$PODSEC_SHARED, and the kubectl 1.32 that $$KUBECTL_1_32 names (if it does).
conformance:
	PODSEC_SHARED=$${PODSEC_SHARED:?names the folder that holds corpus/} cargo test --release --locked \
		--package podsec-standards --package podsec-yaml --package podsec-apimachinery --package podsec-kinds \
		--package podsec-manifest -- --ignored --skip jenkins
	PODSEC_SHARES=write cargo test --release --locked --package podsec-apiserver --test validation
	PODSEC_SHARED=$$PODSEC_SHARED cargo test --release --locked --package podsec-apiserver --test conformance -- --include-ignored
	if [ -n "$$KUBECTL_1_32" ]; then cargo test --locked --package podsec -- --ignored kubectl_1_32; \
		else echo "not run for want of KUBECTL_1_32: kubectl_1_32_sees_what_a_real_server_shows"; fi

# What CI checks besides the tests.
check: deny
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package podsec-webhook --all-targets --features opentelemetry --locked -- -D warnings
	$(MAKE) fuzz FUZZ_BOUND="-runs=10000 -seed=1"

# Builds every fuzz target with the stable compiler and runs each for a short while; fuzz/README.md says how to run longer.
# make check runs the same inputs each time, so that it says the same of the same code.
FUZZ_SECONDS ?= 10
FUZZ_BOUND ?= -max_total_time=$(FUZZ_SECONDS)
FUZZ_FLAGS = -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing
FUZZ_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
fuzz:
	cd fuzz && CARGO_TARGET_DIR=target RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --release --locked --target $(FUZZ_HOST)
	cd fuzz && for target in fuzz_targets/*.rs; do name=$$(basename $$target .rs); mkdir -p corpus/$$name; \
		target/$(FUZZ_HOST)/release/$$name $(FUZZ_BOUND) -timeout=10 corpus/$$name || exit 1; done

# Figures, never a verdict: each is printed beside a baseline of the same run.
bench:
	cargo bench --package podsec-standards --locked
	cargo bench --package podsec-yaml --locked
	cargo bench --package podsec-manifest --locked
	cargo bench --package podsec-analysis --locked
	cargo bench --package podsec --locked --bench check --bench growth --bench lists

# The webhook under load beside a bare HTTPS server of the same libraries.
bench-webhook:
	cargo bench --package podsec-benches --locked --bench webhook

# Everything that people install, under target/dist: static binaries and what packs them. DIST_FLAGS may hold --url, which
# says where the archives will be, and --binary TARGET=FILE, which packs a binary that is there instead of building.
dist:
	python3 tools/dist $(DIST_FLAGS)

# Installs each artifact in a clean folder and runs it; says what it ran, and what it could not.
dist-test:
	python3 tools/dist/test

# Builds the binaries a second time, in another folder, and compares every byte of what is made of them.
dist-reproduce:
	python3 tools/dist $(DIST_FLAGS) --out target/dist-again --build-folder target/dist-build-again
	diff target/dist/SHA256SUMS target/dist-again/SHA256SUMS

# Licences and sources of every dependency, and which are banned.
deny:
	tools/deny.sh

# Known vulnerabilities of dependencies, from RustSec's database on GitHub.
advisories:
	tools/deny.sh advisories
