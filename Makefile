# `make demo` and `make test` set themselves up on a bare machine with Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MODELS ?= small
# Tests run side by side, one on each core, but never more than this.
MOST_WORKERS ?= 4
BENCHMARKS ?= start_up deciding overlap openai_rate reading reading_math subset_search scaling_study frugal_draws \
  frugal_embedded collecting_rate discussing_rate store_rates evaluating report_size_and_time \
  serving_rate serving_latency

.PHONY: demo test lint types imports unit clients browser bubblewrap libgomp chromium node bench report-assets docs clean

demo: $(VENV)/.ready-local
	@$(BIN)/slm-mux demo --models $(MODELS)

test: lint types imports unit

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check src tests benchmarks tools examples
	$(BIN)/ruff format --check src tests benchmarks tools examples

types: $(VENV)/.ready-dev
	$(BIN)/mypy

imports: $(VENV)/.ready-dev
	$(BIN)/lint-imports

# Hundreds of tests start a process each, which need not compile the package anew.
unit: export PYTHONDONTWRITEBYTECODE =
unit: $(VENV)/.ready-dev bubblewrap chromium
	$(BIN)/pytest -m 'not alone and not client' --numprocesses logical --maxprocesses $(MOST_WORKERS) --dist worksteal
	$(BIN)/pytest -m 'alone and not client'

# Clients that others wrote, in environments of their own under .clients, which are kept; one that
# cannot be installed is skipped, and says so. CLIENTS="litellm llm" installs these alone.
clients: $(VENV)/.ready-dev node
	$(BIN)/python tools/install_clients.py $(CLIENTS)
	$(BIN)/pytest -m client tests/server/clients

# The pages in a real browser, which `make test` tries too.
browser: $(VENV)/.ready-dev chromium
	$(BIN)/pytest $$(grep -rl --include='test_*.py' NEEDS_BROWSER tests)

# Model-written code runs under bubblewrap only; without it its tests are skipped, and say so.
bubblewrap:
	@command -v bwrap >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing bubblewrap"; \
	  apt-get install -qq -y bubblewrap >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -qq -y bubblewrap >/dev/null; } || \
	  echo "bubblewrap could not be installed: the sandbox's tests will be skipped"; \
	else echo "bubblewrap is not installed: the sandbox's tests will be skipped"; fi

# llama.cpp's threads need it, and a bare system may lack it.
libgomp:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing libgomp"; \
	  apt-get install -qq -y --no-install-recommends libgomp1 >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends libgomp1 >/dev/null; }; \
	else echo "llama.cpp cannot be loaded; on Debian and Ubuntu: apt install libgomp1"; exit 1; fi

# Pages are tried in a real browser, Debian's; without it these tests are skipped, and say so.
chromium:
	@command -v chromium >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing chromium"; \
	  apt-get install -qq -y --no-install-recommends chromium >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || \
	  echo "chromium could not be installed: the tests of pages will be skipped"; \
	else echo "chromium is not installed: the tests of pages will be skipped"; fi

# One client is an npm package; without npm its tests are skipped, and say so.
node:
	@command -v npm >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing npm"; \
	  apt-get install -qq -y --no-install-recommends nodejs npm >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends nodejs npm >/dev/null; } || \
	  echo "npm could not be installed: the tests of its client will be skipped"; \
	else echo "npm is not installed: the tests of its client will be skipped"; fi

# The scripts that draw a report's charts, again or in other versions: ASSETS="vega=6.4.0"
report-assets: $(BIN)/python
	$(BIN)/python tools/renew_report_assets.py $(ASSETS)

# The site, into site/; a warning fails it. The theme's notice about mkdocs 2 is not one of ours.
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/.ready-docs
	$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.ready-dev
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py || exit 1; done

# One marker file per set of packages; they are installed again when pyproject.toml changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it"; exit 1; }
	@echo "making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "python -m venv does not work here; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.ready-local: pyproject.toml | $(BIN)/python
	@echo "installing slm-mux with its local extra"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local]'
	@$(BIN)/python -c 'import xllamacpp' 2>/dev/null || $(MAKE) --no-print-directory libgomp
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/.ready-local
	@echo "installing the development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

$(VENV)/.ready-docs: pyproject.toml $(VENV)/.ready-local
	@echo "installing what builds the site"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

clean:
	rm -rf $(VENV) site .clients .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
