# make course   set up on a fresh machine and build the shipped lectures into output/
# make test     set up and run every check; tests whose outside tool is missing are skipped, and said so
# PYTHON=python3.12 picks the interpreter; EXTRAS=test,torch adds an oracle; REQUIRE_TOOLS=1 forbids such skips.

PYTHON ?= python3
EXTRAS ?= test
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/installed
INSTALLED_EXTRAS := $(INSTALLED)-$(EXTRAS)
NODE_TOOLS := tests/tools/node_modules/.package-lock.json

.PHONY: course test coverage lint bench gallery library node-tools clean

course: $(INSTALLED)
	$(BIN)/python cli.py course

test: lint node-tools
	$(BIN)/pytest --numprocesses auto --dist loadgroup

# Which lines of derive/ the tests reach; tracing them, the tests take nearly three times as long.
coverage: $(INSTALLED_EXTRAS) node-tools
	$(BIN)/pytest --numprocesses auto --dist loadgroup --cov

lint: $(INSTALLED_EXTRAS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python benchmarks/speed.py

# Builds the examples of docs/blocks.md into docs/gallery.
gallery: $(INSTALLED)
	$(BIN)/python tools/gallery.py

# Times every gradient of the library and writes docs/library.md.
library: $(INSTALLED)
	$(BIN)/python benchmarks/library.py

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable ".[pdf]"
	touch $@

$(INSTALLED_EXTRAS): $(INSTALLED)
	$(PIP_INSTALL) --editable ".[$(EXTRAS)]"
	touch $@

# Without npm, or without a network, the tests that need KaTeX, MathJax or axe are skipped: no reason to stop here.
node-tools:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_TOOLS) || echo "KaTeX, MathJax and axe are not installed"; fi

$(NODE_TOOLS): tests/tools/package.json tests/tools/package-lock.json
	npm ci --prefix tests/tools --ignore-scripts --no-audit --no-fund
	touch $@

clean:
	rm -rf $(VENV) tests/tools/node_modules .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
