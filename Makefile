# `make demo` and `make test` set themselves up on a bare machine with Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MODELS ?= small
BENCHMARKS ?= start_up deciding overlap openai_rate reading reading_math subset_search scaling_study frugal_draws \
  frugal_embedded collecting_rate store_rates evaluating

.PHONY: demo test lint types imports unit bubblewrap bench clean

demo: $(VENV)/.ready-local
	@$(BIN)/slm-mux demo --models $(MODELS)

test: lint types imports unit

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks

types: $(VENV)/.ready-dev
	$(BIN)/mypy

imports: $(VENV)/.ready-dev
	$(BIN)/lint-imports

unit: $(VENV)/.ready-dev bubblewrap
	$(BIN)/pytest

# Model-written code runs under bubblewrap only; without it its tests are skipped, and say so.
bubblewrap:
	@command -v bwrap >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing bubblewrap"; \
	  apt-get install -qq -y bubblewrap >/dev/null 2>&1 || \
	  { apt-get update -qq && apt-get install -qq -y bubblewrap >/dev/null; } || \
	  echo "bubblewrap could not be installed: the sandbox's tests will be skipped"; \
	else echo "bubblewrap is not installed: the sandbox's tests will be skipped"; fi

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
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/.ready-local
	@echo "installing the development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
