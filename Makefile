# `make demo` and `make test` set up all they need in .venv; they need Python 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin

# what does not go together with dlt or with DuckDB 2 has an environment of its own
ENVIRONMENTS := $(patsubst tests/environments/%.txt,.venvs/%/installed,$(wildcard tests/environments/*.txt))

.PHONY: demo load dashboard test test-all test-long bench lakehouse docs prices lint clean

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

test-all: test $(ENVIRONMENTS)
	$(BIN)/python -m pytest -m integration

test-long: .venv/installed
	$(BIN)/python -m pytest tests/scan/test_scan.py --hypothesis-profile long --timeout 3600

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

clean:
	rm -rf .venv .venvs build .mypy_cache .pytest_cache .ruff_cache .hypothesis benchmarks/.venvs demo.duckdb
