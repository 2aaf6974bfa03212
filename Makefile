# make check   judge the bundled reference server, or TARGET=https://… another one; ARGS='…' are passed on
# make test    the project's own tests; those of whole servers last, on a machine to themselves
# make lint    lint, format and strict types
# make contracts  lint the OpenAPI and AsyncAPI documents; needs Node.js
# make codegen  generate clients by the recipes of schemas/README.md, compile them and let them talk; ARGS='Go'
# make proof   break the reference server in every way that is known and see that the kit says so
# make soak    run the suite N=10 times under a STRESS=none, busy, rtt or queue and see that nothing is ever wrong
# Each sets up .venv from the hash-pinned lock first, when that has changed.

PYTHON ?= python3
REPORT ?= signalproof-report
N ?= 10
STRESS ?= none
STAMP := .venv/.installed
BIN := .venv/bin
CODEGEN := schemas/codegen
GENERATORS := $(CODEGEN)/.venv/.installed

# Where an image of Python sets it, each process would compile the kit again, for a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: check test lint contracts proof soak codegen setup bundle lock clean

check: $(STAMP)
	@$(BIN)/signalproof check $(TARGET) --report '$(REPORT)' $(ARGS)

test: $(STAMP) $(GENERATORS)
	@$(BIN)/python -m pytest -n auto --dist worksteal $(or $(ARGS),--ignore tests/targets)
	@$(if $(ARGS),:,$(BIN)/python -m pytest tests/targets)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python schemas/build.py --check

contracts:
	@sh schemas/lint/run

proof: $(STAMP)
	@$(BIN)/python tests/faults/proof.py $(ARGS); faults=$$?; \
	  $(if $(ARGS),,$(BIN)/python tests/proof/targets.py &&) exit $$faults

soak: $(STAMP)
	@$(BIN)/python tests/soak/soak.py --runs '$(N)' --stress '$(STRESS)' $(ARGS)

codegen: $(STAMP) $(GENERATORS) $(CODEGEN)/node_modules/.installed
	@$(BIN)/python schemas/generate.py $(ARGS)

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml .ci/setup
	@PYTHON='$(PYTHON)' sh .ci/setup

$(GENERATORS): $(CODEGEN)/python.txt $(CODEGEN)/setup
	@PYTHON='$(PYTHON)' sh $(CODEGEN)/setup python
	@touch $@

$(CODEGEN)/node_modules/.installed: $(CODEGEN)/package-lock.json $(CODEGEN)/jvm.txt $(CODEGEN)/setup | $(GENERATORS)
	@sh $(CODEGEN)/setup others
	@touch $@

# Regenerates what is derived from schemas/v1: the bundles, the OpenAPI and AsyncAPI documents and their pages.
bundle: $(STAMP)
	@$(BIN)/python schemas/build.py

# Pins every dependency by hash; needs uv (https://docs.astral.sh/uv/) on PATH.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --extra dev pyproject.toml --output-file requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --constraint requirements.lock pyproject.toml .ci/action.in --output-file .ci/action.lock
	for name in python jvm; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	    $(CODEGEN)/$$name.in --output-file $(CODEGEN)/$$name.txt || exit; done

clean:
	rm -rf .venv signalproof-report signalproof-soak $(CODEGEN)/.venv $(CODEGEN)/node_modules $(CODEGEN)/out
