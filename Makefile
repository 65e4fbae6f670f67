# `make demo` and `make test` set up all they need in .venv; they need Python 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin

# what does not go together with dlt or with DuckDB 2 has an environment of its own
ENVIRONMENTS := $(patsubst tests/environments/%.txt,.venvs/%/installed,$(wildcard tests/environments/*.txt))

.PHONY: demo load dashboard test test-integration test-long test-all bench lakehouse docs prices lint clean

demo: .venv/installed
	$(BIN)/ai-batches demo

# every provider that has a key
load: .venv/installed
	$(BIN)/ai-batches load

# the demo's data in the browser, until Ctrl-C
dashboard: demo
	$(BIN)/ai-batches dashboard --demo

test: .venv/installed
	$(BIN)/python -m pytest

# clients that vendors have for Node.js only
NPM := $(if $(shell command -v npm),.venvs/npm/installed)

# with real servers, schedulers, BI tools, clients and a browser
test-integration: .venv/installed $(ENVIRONMENTS) $(NPM)
	$(BIN)/python -m pytest -m 'integration and not long'

# further cases of both, and many more random ones
test-long: .venv/installed $(ENVIRONMENTS)
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m pytest tests/scan/test_scan.py --hypothesis-profile long --timeout 3600

test-all: test test-integration test-long

bench: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/run.py $(BENCH)

lakehouse: .venvs/lakehouse/installed
	.venvs/lakehouse/bin/python benchmarks/lakehouse/lakehouse.py $(LAKEHOUSE)

# the tables of providers in the documents, from the registry; sources of dbt, from the tables
docs: .venv/installed
	$(BIN)/python docs/provider_tables.py
	$(BIN)/python docs/dbt_sources.py

# the price list that is shipped, from two packages that others keep; look at what changed
prices: .venvs/prices/installed
	PYTHONPATH=pipelines .venvs/prices/bin/python pipelines/prices/make_prices.py $(PRICES)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.venvs/%/installed: PROJECT := -e .
# the driver of a BI tool is older than what the project can write with; clients, dbt and prices do
# without it
.venvs/bi/installed .venvs/clients/installed .venvs/dbt/installed .venvs/prices/installed: PROJECT :=
.venvs/%/installed: tests/environments/%.txt pyproject.toml
	$(PYTHON) -m venv --clear .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $< $(PROJECT)
	touch $@

.venvs/npm/installed: tests/environments/npm/package.json
	mkdir -p .venvs/npm
	cp $< .venvs/npm
	# no registry of npm: their tests are skipped
	-npm install --prefix .venvs/npm --no-audit --no-fund --silent
	touch $@

clean:
	rm -rf .venv .venvs build .mypy_cache .pytest_cache .ruff_cache .hypothesis benchmarks/.venvs demo.duckdb
