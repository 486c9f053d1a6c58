# goldfold: `make repro` and `make test` need Python 3.11 or newer, git and make, and nothing else set up.
# VENV=<folder> names the environment, so that several clones can share one.

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PINS := requirements.txt constraints.txt environment/goldfold_here.py environment/goldfold_here.pth environment/pyproject.toml
READY := $(VENV)/.goldfold-$(shell cat $(PINS) | cksum | cut -d ' ' -f 1)
export PATH := $(abspath $(VENV))/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env repro race ui test unit faults notebooks-test docs audit bench bench-gpu format constraints

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

env: $(READY)  ## build the environment from the pinned requirements, if it is missing or stale
# Its name holds the checksum of the pins: it is there, or it is stale.
$(READY):
	@test -n "$(PYTHON)" || { echo "goldfold needs Python 3.11 or newer; name it: make $(MAKECMDGOALS) PYTHON=<path>" >&2; exit 2; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./environment
	@rm -f $(VENV)/.goldfold-* && touch $@

repro: env  ## run what is not up to date, from the competition's files to a validated submission
	@goldfold check
	dvc repro
	@goldfold summary

MINUTES ?= 10
race: env  ## race the portfolio within MINUTES (10 by default), and blend its members into a submission
	goldfold race --minutes $(MINUTES)

ui: env  ## open the MLflow UI on this repository's runs
	@goldfold ui

test: env  ## linters, types and all tests
	ruff check .
	ruff format --check .
	mypy
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

unit: env  ## the quick tests, within a minute
	python -m pytest -n 2 --dist loadfile --ignore=tests/pipeline --ignore=tests/faults -m "not slow"

faults: env  ## break stores, disks and processes on purpose, and count what that does, within 15 minutes
	FAULTS=1 python -m pytest tests/faults

OLDEST := .venv-oldest
notebooks-test: env $(OLDEST)/.ready  ## run the notebooks of Kaggle and Colab, offline, at the oldest and the newest versions; 4 GB the first time
	NOTEBOOK_PYTHONS="$(abspath $(OLDEST))/bin/python $(abspath $(VENV))/bin/python" python -m pytest -n 2 --dist loadgroup tests/notebooks

# First what a host has, in the oldest versions that are supported; then what a notebook installs there.
$(OLDEST)/.ready: requirements-notebook.txt
	$(PYTHON) -m venv $(OLDEST)
	sed -nE 's/^([[:alnum:]_.-]+)>=([^,]+).*/\1==\2/p' $< > $(OLDEST)/host.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r $(OLDEST)/host.txt ipykernel setuptools
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

DOCS := .venv-docs
docs: $(DOCS)/.ready  ## build the site of README.md and docs/, to be opened as site/index.html
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet
	@echo "site/index.html is for any browser, with or without a network"

$(DOCS)/.ready: requirements-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

audit:  ## known vulnerabilities of the pinned packages, asked of osv.dev
	@$(PYTHON) environment/vulnerabilities.py requirements*.txt constraints.txt

bench: env  ## measure the speed against its rivals, within 20 minutes, and write benchmarks/results.md
	python -m benchmarks.run

bench-gpu: env  ## measure one GPU against plain loops, within 8 minutes, and write benchmarks/gpu.md
	python -m benchmarks.gpu

format: env  ## format the code and sort its imports
	ruff check --fix .
	ruff format .

constraints: env  ## write down the versions of all that is installed, after a change of requirements.txt
	pip freeze --exclude goldfold-here --exclude goldfold > constraints.txt
