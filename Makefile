# What people type. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# One target directory outside the clone, so that a clean clone does not compile RocksDB again.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/duolog
export CARGO_TARGET_DIR ?= $(CACHE)/target
export DUOLOG_CACHE := $(CACHE)
export PATH := $(HOME)/.cargo/bin:$(PATH)

# One profile for run, test and bench, for the same reason.
CARGO_TEST := cargo test --release --workspace
BIN := $(CARGO_TARGET_DIR)/release

.PHONY: help run build test test-quick demo bench lint

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## install what is missing, build, and serve ./data on 127.0.0.1:8080
	@scripts/run.sh $(ARGS)

build: ## install what is missing, build, and leave ./duolog and ./duolog-replay here
	@scripts/setup.sh build
	@scripts/setup.sh announce
	cargo build --release --workspace --bins
	@ln -sfn "$(BIN)/duolog" duolog
	@ln -sfn "$(BIN)/duolog-replay" duolog-replay

test: ## install what is missing, and run every test
	@scripts/setup.sh test
	@scripts/setup.sh announce
	cargo build --release --workspace --bins
	DUOLOG_TEST_PYTHON="$(CACHE)/venv/bin/python" $(CARGO_TEST)
	@scripts/setup.sh not-run test

test-quick: ## the tests that need nothing but the build
	@scripts/setup.sh build
	@scripts/setup.sh announce
	cargo build --release --workspace --bins
	$(CARGO_TEST) -- --skip with_broker --skip with_store
	@scripts/setup.sh not-run test-quick

demo: build ## a scripted tour of a message's life, on data of its own
	@scripts/demo.sh

bench: build ## measure against the machine's own limits; writes benches/RESULTS.md
	cargo bench --profile release

lint: ## formatting, clippy and doc comments, warnings denied
	@scripts/setup.sh build
	@scripts/setup.sh announce
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet
