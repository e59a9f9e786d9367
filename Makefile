# Two commands: `make run` (the whole system with a live demo) and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install install-dev run check test test-extras bench format clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: ## prepare .venv with .venv/bin/invigil in it
	@PYTHON=$(PYTHON) deploy/install.sh

install-dev: ## the same, with what checks and tests need
	@PYTHON=$(PYTHON) deploy/install.sh dev

run: install ## the whole system with one exam in progress on http://localhost:8080
	@$(BIN)/invigil demo

check: install-dev ## ruff, mypy, import-linter, tsc
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@deploy/tsc.sh

test: install-dev ## the whole suite
	@deploy/test-tools.sh
	$(BIN)/python -m pytest

test-extras: install ## each optional extra, installed and run for real
	@deploy/test-extras.sh

bench: install-dev ## measure, and write docs/benchmarks.md
	$(BIN)/invigil bench --write docs/benchmarks.md

format: install-dev
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean:
	rm -rf $(VENV) node_modules var build *.egg-info
