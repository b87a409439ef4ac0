# Two commands matter: `make demo` shows the runbook at work on its embedded twin, `make test` proves the suite itself.
# Each brings its own virtual environment, from dependencies locked with hashes.

PYTHON ?= python3
BIN := .venv/bin
# An environment that forbids bytecode would make every run pay for compiling; a run in here is our own business.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test quick slow lint soak bench lock clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

.venv/runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.x …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/runtime ## judge the reference app, deploy it to the twin, judge it there; says where the reports are
	@$(BIN)/python -m fixtures.twin.demo

test: .venv/dev quick slow ## the suite's own tests, the quick part first

# More workers than cores: many of these tests wait for a deadline rather than for the processor.
quick: .venv/dev
	$(BIN)/python -m pytest tests -m "not slow" -n 4 --dist worksteal

slow: .venv/dev
	$(BIN)/python -m pytest tests -m slow -n 3 --dist loadgroup

lint: .venv/dev ## ruff, formatting, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: .venv/dev ## the healthy twin in bad weather, green 200 times in a row
	$(BIN)/python -m benchmarks.soak

bench: .venv/dev ## times side by side, as ratios
	$(BIN)/python -m benchmarks

lock: ## resolve the dependencies anew
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade requirements.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade requirements-dev.in -c requirements.lock -o requirements-dev.lock

clean: ## remove the virtual environment and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
