# `make` alone lists the targets. Cargo's own variables (CARGO_TARGET_DIR ..) are respected.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# Every build uses the versions in Cargo.lock.
LOCKED := --locked

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint rust-tools format clippy deny test-rust model redis features doc release clients soak faults bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the demo: edge on 127.0.0.1:8080, side port on 127.0.0.1:8081
	$(CARGO) run $(LOCKED) -- demo

test: lint test-rust model features doc release clients ## Everything that must pass before a merge
	@echo "make test: everything passed"

lint: rust-tools format clippy deny ## Formatting, clippy without warnings, licences and bans

rust-tools:
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy

format:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path models/Cargo.toml

clippy:
	$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	$(CARGO) clippy $(LOCKED) --all-targets --no-default-features -- -D warnings

# Where cargo-deny is installed; it needs no network for these three checks.
deny:
	@if command -v cargo-deny >/dev/null; then \
		cargo-deny --offline check bans licenses sources; \
	else \
		echo "cargo-deny is not installed: licences and bans are not checked"; \
	fi

test-rust: redis ## Unit, integration and documentation tests, with and without default features
	$(CARGO) test $(LOCKED)
	$(CARGO) test $(LOCKED) --no-default-features

# In the folder of the other builds: what both need is built once.
model: ## Models of the sessions: every order of what happens at once that shuttle thinks of
	$(CARGO) test $(LOCKED) --manifest-path models/Cargo.toml --target-dir $(abspath $(TARGET_DIR))

redis:
	@tests/redis/install

# Features unify in test builds, so each is also built alone.
features: ## Check each feature alone
	for feature in axum local server; do \
		$(CARGO) check $(LOCKED) --no-default-features --features $$feature || exit 1; \
	done

doc: ## Documentation without warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --no-deps

release: ## The release binary
	$(CARGO) build $(LOCKED) --release --bin gatepass

clients: release ## Real clients (a browser, a WebSocket client) against the running demo
	TESTED_GATEPASS="$(abspath $(TARGET_DIR))/release/gatepass" tests/clients/run

ROUNDS ?= 100

soak: ## Kill the gateway under a storm of logins, ROUNDS=100 times; count what is lost
	GATEPASS_SOAK_ROUNDS=$(ROUNDS) $(CARGO) test $(LOCKED) --test it store::kill -- --nocapture --test-threads 1

faults: redis ## Every fault on a fleet before Redis, one after the other: prints the table of docs/faults.md
	$(CARGO) test $(LOCKED) --test it store::faults::table -- --ignored --nocapture

bench: redis ## Benchmarks: as a proxy against nginx and haproxy, TLS, the layer, the table, searches, stores, Redis
	benches/proxy.py
	benches/proxy.py --one-core
	benches/tls.py --one-core
	benches/layer.py
	benches/layer.py --one-core
	$(CARGO) bench $(LOCKED) --bench table
	$(CARGO) bench $(LOCKED) --bench search
	$(CARGO) bench $(LOCKED) --bench store
	$(CARGO) bench $(LOCKED) --bench redis
	$(CARGO) bench $(LOCKED) --bench million
	benches/fleet.py
