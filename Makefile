# Two commands set everything up: `make baseline` (or `make install`) and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is written, whatever the environment says: hundreds of processes read the same modules.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install baseline test suite quick lint types docs dist clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing what pyproject.toml names; without a cache this takes some minutes, and says nothing." >&2
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable ".[dev]"
	# pip compiles on one core, and what only the packages' own tests load as well.
	$(BIN)/python -m compileall -qq -j 0 -x '/(tests?|rllib)/' $(VENV)/lib || true
	@touch $@

# The main job on real data: a baseline of at most 400M multiply-adds, on the embedded digits.
baseline: install
	$(BIN)/effsearch baseline --target-flops 400M --samples 32 --finalists 3 --finalist-seeds 2

# Types and tests side by side, since neither keeps all cores busy to its end.
test: install lint
	$(MAKE) --no-print-directory --keep-going --jobs 2 types suite

suite: install
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations 20

# While working: what needs neither Ray, nor other processes, nor seconds.
quick: install
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest --numprocesses auto -m "not (slow or ray or process)"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: install
	$(BIN)/mypy

# The site, in build/site; a link that leads nowhere fails.
docs: install
	PYTHONPATH=src NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Wheel and source, checked; what a release uploads.
dist: install
	$(BIN)/pip install --quiet --constraint constraints.txt build twine
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*

clean:
	rm -rf $(VENV)
