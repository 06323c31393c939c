# Every task of the project, one a target. `make demo` and `make test` need Rust and git alone.
.PHONY: demo test check bench bench-webhook deny

TARGET := $(or $(CARGO_TARGET_DIR),target)

# Builds podsec, starts the server, runs the tutorial with real kubectl and compares every answer.
demo:
	cargo build --release --locked --package podsec
	kubectl=$$(tools/kubectl.sh) && examples/tutorial/demo.sh $(TARGET)/release/podsec "$$kubectl"

# All tests. Those that speak through kubectl install a pinned one when it is missing.
test:
	KUBECTL_PINNED=$$(tools/kubectl.sh --pinned) cargo test --workspace --locked

# What CI checks besides the tests.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# Figures, never a verdict: each is printed beside a baseline of the same run.
bench:
	cargo bench --package podsec-standards --locked
	cargo bench --package podsec-manifest --locked
	cargo bench --package podsec --locked --bench check

# The webhook under load beside a bare HTTPS server of the same libraries.
bench-webhook:
	cargo bench --package podsec-benches --locked --bench webhook

# Licences and sources of every dependency (needs cargo-deny).
deny:
	cargo deny check licenses bans sources
