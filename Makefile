# Portolan's everyday commands; `make help` lists them.

PY := .venv/bin/python
UV := UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links $(LOCK)
# Tests and linters never write into ./var, where `make run` keeps its data.
lint: export PORTOLAN_DATA_DIR = $(CURDIR)/.make/lint

.PHONY: help run test check bench lint fmt lock clean
.DEFAULT_GOAL := help

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

run: ## start Portolan on PORTOLAN_LISTEN (127.0.0.1:8080), data in ./var; Ctrl-C stops it
	@bin/venv base
	@exec $(PY) manage.py serve

test: ## install what the tests need, lint, and run every test on SQLite and on PostgreSQL
	@bin/venv dev
	@bin/test-packages
	@$(MAKE) --no-print-directory lint
	$(PY) -m pytest -n 2
	$(PY) -m tests.support.on_postgres $(PY) -m pytest -n 2 -m database

check: ## the fast part of the tests: no real clients, nothing slow (under three minutes)
	@bin/venv dev
	$(PY) -m pytest -n 2 -q -m "not clients and not slow"

bench: ## compare speed and memory with docker-registry; BENCH="--mode cluster --quick" passes options
	@bin/venv dev
	@$(PY) -m bench $(BENCH)

lint: ## style, types, layers, migrations and size budget
	@bin/venv dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) manage.py check
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m tests.architecture.size_budget

fmt: ## format the code and mend what ruff can mend
	@bin/venv dev
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

lock: ## resolve requirements/*.in into the hash-locked requirements/*.txt (needs uv; LOCK=--upgrade takes newer versions)
	$(UV) requirements/base.in --output-file requirements/base.txt
	$(UV) requirements/dev.in --output-file requirements/dev.txt --constraint requirements/base.txt

clean: ## remove the virtual environment and all caches; ./var stays
	rm -rf .venv .make .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
