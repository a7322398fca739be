# `make` lists what there is. Everything runs in .venv, which scripts/setup makes and keeps up to date.

BIN := .venv/bin
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= $(CORES)
# WORKERS is a number. Tests with services wait half of the time: more of them at a time.
WITH_SERVICES = $(shell expr $(WORKERS) + 2)

# The stages without I/O: their tests must cover nearly all of them.
PURE := monitor/domain/*,monitor/identity.py,monitor/expressions.py,monitor/decode/*,monitor/mapping/*,monitor/correlate.py,$\
        monitor/bpmn/*,monitor/conformance/*,monitor/soundness/*,monitor/sla/*,monitor/diagram/*
PURE_AT_LEAST := 95

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick deep chaos poison oracle bench-oracle lint coverage bench soak screenshots wheel lock clean setup services

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Watch a simulated landscape with everything in one process
	@scripts/setup --runtime
	@$(BIN)/choreoscope demo $(ARGS)

test: setup services ## Run every test, with real services, and check the pure stages' coverage (ARGS=... runs some)
ifdef ARGS
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)
else
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report= tests/unit
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=$(PURE_AT_LEAST)
	@$(BIN)/pytest -n $(WITH_SERVICES) --dist worksteal --ignore tests/unit
endif

test-quick: setup ## Run the unit and property tests only: no services, no coverage
	@$(BIN)/pytest -n $(WORKERS) tests/unit tests/property $(ARGS)

deep: setup services ## Run the property tests with forty times as many examples, new ones every time
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --hypothesis-profile=deep tests/property $(ARGS)

chaos: setup services ## Break everything at random, by CHOREOSCOPE_CHAOS_SEED, and compare what is held with the truth
	@$(BIN)/python -m tests.chaos

poison: setup services ## Send 20,000 fuzzed messages through both brokers (CHOREOSCOPE_POISON_SEED=... for others)
	@CHOREOSCOPE_POISON=20000 $(BIN)/pytest -s tests/integration/test_poison.py $(ARGS)

oracle: ## Compare the checker with pm4py on random models, in an environment of its own (docs/oracle.md)
	@scripts/setup --oracle
	@.venv-oracle/bin/python -m pytest -q -c tests/oracle/pytest.ini --noconftest -p no:cacheprovider -s tests/oracle $(ARGS)

bench-oracle: ## Time the checker beside pm4py, in that environment
	@scripts/setup --oracle
	@.venv-oracle/bin/python -m benchmarks.pm4py

lint: setup ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

coverage: setup services ## Report what all tests together cover of the whole package, also as pages in htmlcov/
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report
	@$(BIN)/coverage html --quiet

bench: setup services ## Run the benchmarks of docs/benchmarks.md
	@$(BIN)/python -m benchmarks $(ARGS)

soak: setup services ## Run the monitor for an hour at half of its peak rate and see what grows (ARGS="--data DIR ...")
	@$(BIN)/python -m benchmarks soak $(ARGS)

screenshots: setup ## Make docs/images anew from the demo (needs Chromium); look at them before committing
	@$(BIN)/python scripts/screenshots.py

wheel: setup ## Build the wheel and the source distribution in dist/
	@$(BIN)/python -m hatchling build

lock: setup ## Lock the newest dependencies that pyproject.toml allows
	@scripts/lock

clean: ## Remove what was built, cached and measured, and .venv
	@rm -rf .venv .venv-oracle dist build htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@scripts/setup

services:
	@scripts/setup-services
