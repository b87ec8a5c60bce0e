# dhq-auth: `make run` serves it, `make test` proves it, `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# More than there are cores: a third of the time they wait, for processes and deadlines.
WORKERS_OF_TESTS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) '*' 3 / 2)
# Most of it is waiting.
WORKERS_OF_FAULTS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) '*' 2)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS_OF_TESTS) --dist worksteal
FAST := not postgres and not browser and not node and not fuzz and not process and not slow and not image and not faults

# Compile each module once, not anew in each of the many processes that tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run demo notes test check lint faults soak bench image docs messages screenshots lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## install the service into .venv, exactly as locked

run: install ## serve on http://localhost:8000; keys and database are made when missing
	@exec $(BIN)/dhq-auth serve --summary

notes: install ## serve the example of row-level policies on http://localhost:8100
	@mkdir -p data && exec $(BIN)/python -m examples.notes

demo: install ## the whole loop without Google or GitHub: a local issuer, an application, and us
	@exec $(BIN)/python -m examples.demo

test: $(VENV)/.developing lint ## run every test; installs what they need
	@PYTHON=$(BIN)/python tools/install_test_needs.sh
	$(PYTEST) -m "not faults"
	$(BIN)/python -m pytest tests/faults -n $(WORKERS_OF_FAULTS) --dist load

check: $(VENV)/.developing lint ## run lint, types, import contracts and the fast tests
	$(PYTEST) -m "$(FAST)"

lint: $(VENV)/.developing ## look at style, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: $(VENV)/.developing ## break what real processes stand on, during traffic: the long form, half an hour
	@PYTHON=$(BIN)/python tools/install_test_needs.sh
	$(BIN)/python -m pytest tests/faults --thorough -v

soak: $(VENV)/.developing ## half an hour of traffic: slopes of memory, descriptors and rows
	$(BIN)/python -m tests.faults.soak

bench: $(VENV)/.developing ## measure beside other services, 20 minutes; writes docs/benchmarks.md and its picture
	$(BIN)/python -m tools.bench
	$(BIN)/python -m tools.bench.policies --seconds 1
	$(BIN)/python -m tools.bench.revocations --rounds 15

image: ## build and try the container image, with docker, else podman
	PYTHON=$(PYTHON) tools/image.sh

docs: $(VENV)/.developing ## write the generated parts of docs/
	$(BIN)/python tools/settings_reference.py > docs/settings.md

messages: $(VENV)/.developing ## collect the texts of the pages for translators, and compile what is translated
	$(BIN)/python -m tools.messages

screenshots: $(VENV)/.developing ## take pictures of all pages into screenshots/
	@PYTHON=$(BIN)/python tools/install_test_needs.sh
	$(BIN)/python -m tools.screenshots

lock: $(VENV)/.developing ## write the exact versions and hashes of all packages anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra build --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade --output-file requirements.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra build --extra dev --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove what was built, but no data
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "dhq-auth needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python requirements.lock pyproject.toml
	@echo "Installing dhq-auth into $(VENV) (once; half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what developers need into $(VENV) (once; a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
