# Everything starts from Python >= 3.11, git and make; the rest is installed into .venv.

PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := $(CURDIR)/.venv/bin
# The stages' commands say `python`: it must be the environment's.
export PATH := $(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

repro: install ## Run what is out of date in the pipeline, then show the metrics
	dvc repro
	python -m pipeline.report

test: install ## Run the fast tests
	python -m pytest -q -n auto

test-all: install ## Run all tests, the end-to-end ones included
	python -m pytest -q -m "slow or not slow"

lint: install ## Check style and formatting
	ruff check .
	ruff format --check .

types: install ## Check types
	mypy

install: .venv/installed ## Make .venv and install the locked requirements

# The stamp is newer than the lock once the lock is installed.
.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python >= 3.11 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@if python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	then uv pip sync --quiet --require-hashes requirements.lock; \
	else python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; fi
	touch $@

deps: install ## Write the stages' source files into dvc.yaml
	python -m pipeline.dependencies

clean-scratch: ## Remove the checkpoints of interrupted stages
	rm -rf .scratch

.PHONY: help repro test test-all lint types install clean-scratch
