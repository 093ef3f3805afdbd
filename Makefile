# `make run` and `make test` need git, make and python3 (3.11 or newer), nothing else.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
# Arguments for the program or for pytest: make run ARGS=--once, make test ARGS="-k journal"
ARGS ?=
# Tests side by side: most wait for processes, so that two cores have room for three. One after the other: ARGS=-n0
SIDE_BY_SIDE := -n 3 --dist worksteal

.PHONY: help run test coverage test-slow test-servers test-lowest lint format bench pictures docs wheel smoke clean

help:  ## these lines
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

run: .make/runtime  ## make the environment, start wftop
	@$(BIN)/wftop $(ARGS)

test: .make/dev  ## every test that is not marked slow
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

# Apart from `test`: before Python 3.12 the tracer makes whatever runs in pytest itself take three times the processor.
coverage: .make/dev  ## the same, and which lines they ran; a test has three times the time
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --timeout=180 --cov=wftui --cov-report=term:skip-covered $(ARGS)

test-slow: .make/dev  ## the full counts of the acceptance tests
	$(BIN)/python -m pytest -m slow --timeout=1800 $(ARGS)

test-servers: .make/dev  ## beside a real llama.cpp server, which is built the first time (C++ compiler, some minutes)
	$(BIN)/python -m tests.servers.real.build
	$(BIN)/python -m pytest tests/servers/real -m servers -rP $(ARGS)

test-lowest: .make/lowest  ## the fast tests on the oldest dependencies that pyproject.toml allows
	.venv-lowest/bin/python -m pytest -p no:cacheprovider -m "not slow and not snapshot" $(SIDE_BY_SIDE) $(ARGS)

lint: .make/dev  ## ruff, mypy, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .make/dev  ## let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .make/dev .make/peers  ## print the table of every benchmark
	@for bench in tests/benchmarks/bench_*.py; do \
		echo "== $$bench"; $(BIN)/python "$$bench" || exit 1; \
	done

pictures: .make/runtime  ## docs/pictures/*.svg from the demo
	$(BIN)/wftop --demo --pictures docs/pictures

docs: .make/dev  ## docs/metrics.md from wftui/names/
	$(BIN)/python docs/generate_metrics.py

wheel: .make/dev  ## dist/wftop-*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

smoke: wheel  ## the built wheel in an environment of its own, with the network off
	tests/smoke.sh dist/wftop-*.whl

clean:  ## remove what make made
	rm -rf .venv .venv-lowest .venv-peers .make .cache dist build .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Stamps: an environment is made again when pyproject.toml is newer than it.
.make/runtime: pyproject.toml .ci/environment
	@PYTHON="$(PYTHON)" .ci/environment .venv runtime
	@mkdir -p .make && touch $@

.make/dev: .make/runtime
	@PYTHON="$(PYTHON)" .ci/environment .venv dev
	@touch $@

.make/lowest: pyproject.toml .ci/environment .ci/lowest.py
	@PYTHON="$(PYTHON)" .ci/environment .venv-lowest lowest
	@mkdir -p .make && touch $@

.make/peers: .ci/environment
	@PYTHON="$(PYTHON)" .ci/environment .venv-peers peers
	@mkdir -p .make && touch $@
