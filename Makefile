# make check   judge the bundled reference server, or TARGET=https://… another one; ARGS='…' are passed on
# make test    the project's own tests
# make lint    lint, format and strict types
# make contracts  lint the OpenAPI and AsyncAPI documents; needs Node.js
# make proof   break the reference server in every way that is known and see that the kit says so
# Each sets up .venv from the hash-pinned lock first, when that has changed.

PYTHON ?= python3
REPORT ?= signalproof-report
STAMP := .venv/.installed
BIN := .venv/bin

.PHONY: check test lint contracts proof setup bundle lock clean

check: $(STAMP)
	@$(BIN)/signalproof check $(TARGET) --report '$(REPORT)' $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python schemas/build.py --check

contracts:
	@sh schemas/lint/run

proof: $(STAMP)
	@$(BIN)/python tests/faults/proof.py --out proof $(ARGS)

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml .ci/setup
	@PYTHON='$(PYTHON)' sh .ci/setup

# Regenerates what is derived from schemas/v1: the bundles, the OpenAPI and AsyncAPI documents and their pages.
bundle: $(STAMP)
	@$(BIN)/python schemas/build.py

# Pins every dependency by hash; needs uv (https://docs.astral.sh/uv/) on PATH.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --extra dev pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv signalproof-report
