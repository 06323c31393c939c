# Every task of the project, one a target. `make demo` and `make test` need Rust and git alone; they install pinned
# clients of Kubernetes under target/tools.
.PHONY: demo test check bench bench-webhook deny

TARGET := $(or $(CARGO_TARGET_DIR),target)

# Builds podsec, starts the server, runs the tutorial with real kubectl and compares every answer.
demo:
	cargo build --release --locked --package podsec
	kubectl=$$(tools/client.sh kubectl) && examples/tutorial/demo.sh $(TARGET)/release/podsec "$$kubectl"

# All tests, those that speak through kubectl and those that render the chart among them.
test:
	kubectl=$$(tools/client.sh kubectl --pinned) && helm=$$(tools/client.sh helm --pinned) && \
		KUBECTL_PINNED=$$kubectl HELM_PINNED=$$helm cargo test --workspace --locked
	cargo test --package podsec-webhook --features opentelemetry --locked traces

# What CI checks besides the tests.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package podsec-webhook --all-targets --features opentelemetry --locked -- -D warnings

# Figures, never a verdict: each is printed beside a baseline of the same run.
bench:
	cargo bench --package podsec-standards --locked
	cargo bench --package podsec-yaml --locked
	cargo bench --package podsec-manifest --locked
	cargo bench --package podsec --locked --bench check

# The webhook under load beside a bare HTTPS server of the same libraries.
bench-webhook:
	cargo bench --package podsec-benches --locked --bench webhook

# Licences and sources of every dependency (needs cargo-deny).
deny:
	cargo deny check licenses bans sources
