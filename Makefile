# Everything starts from Python >= 3.11, git and make; the rest is installed into .venv.

PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := $(CURDIR)/.venv/bin

# The stages' commands say `python`: it must be the environment's.
export PATH := $(BIN):$(PATH)
# Tests and stages never wait for a word from the keyboard.
export GIT_TERMINAL_PROMPT := 0

.DEFAULT_GOAL := help

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

repro: install ## Run what is out of date in the pipeline, then show the metrics
	python -m dvc repro
	python -m pipeline.report

demo: install ## Search photos by drawing, on a page on this machine: some that are drawn now, or PHOTOS=my/photos; PORT=8000
	$(if $(PHOTOS),,python -m pipeline.demo_photos .scratch/demo/photos)
	fgsbir index "$(or $(PHOTOS),.scratch/demo/photos)" --out .scratch/demo/index
	fgsbir serve --index .scratch/demo/index $(if $(PORT),--port $(PORT))

evidence: install ## Run the rows of experiments/rows.yaml, with ChairV2's where CHAIRV2=folder and CHAIRV2_MORE=folder are given
	python -m experiments.evidence $(if $(CHAIRV2),--chairv2 "$(CHAIRV2)") $(if $(CHAIRV2_MORE),--chairv2-more "$(CHAIRV2_MORE)")

test: install ## Run the fast tests
	OMP_NUM_THREADS=1 python -m pytest -q -n auto --maxprocesses 8

test-slow: install ## Run the slow tests, the end-to-end ones among them
	python -m pytest -q -m slow

test-all: test test-slow ## Run all tests

lint: install ## Check style and formatting
	ruff check .
	ruff format --check .

types: install ## Check types
	python -m mypy

clean-scratch: ## Remove all that is kept to go on with: checkpoints, runs of the evidence, the demo's photos
	rm -rf .scratch

install: .venv/installed ## Make .venv and install the locked requirements and the command fgsbir

# The stamp is newer than the lock once the lock is installed.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python >= 3.11 is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@# uv installs the lock about ten times as fast as pip, which does where uv cannot be had.
	@if python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION); then \
	  uv pip install -q --compile-bytecode --python .venv/bin/python --require-hashes -r requirements.lock; \
	else \
	  python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@python -c 'from pipeline.stage import ROOT, warn_of_path; warn_of_path(ROOT)'
	touch $@

.PHONY: help repro demo evidence test test-slow test-all lint types clean-scratch install
