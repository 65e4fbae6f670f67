# `make demo` and `make test` set up all they need in .venv; they need Python 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin

# what does not go together with dlt or with DuckDB 2 has an environment of its own
ENVIRONMENTS := $(patsubst tests/environments/%.txt,.venvs/%/installed,$(wildcard tests/environments/*.txt))

# parts of these are written by code: between [[[cog and [[[end]]]
GENERATED := docs/*.md docs/dbt/*.yml sources/ai_batches/README.md pipelines/deploy/github_actions/ai_batches.yml
# none of them, for the newest versions: `make test CONSTRAINTS=`
CONSTRAINTS := constraints.txt

.PHONY: demo load dashboard test environments test-integration test-long test-all coverage bench lakehouse docs \
	generated prices constraints lint dist clean

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

environments: .venv/installed $(ENVIRONMENTS) $(NPM)

# with real servers, schedulers, BI tools, clients and a browser
test-integration: environments
	$(BIN)/python -m pytest -m 'integration and not long'

# further cases of both, and many more random ones
test-long: environments
	$(BIN)/python -m pytest -m long
	$(BIN)/python -m pytest tests/scan/test_scan.py --hypothesis-profile long --timeout 3600

test-all: test test-integration test-long

# which lines `make test` runs; fails below the figure in pyproject.toml
coverage: .venv/installed
	$(BIN)/python -m pytest --cov

bench: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/run.py $(BENCH)

lakehouse: .venvs/lakehouse/installed
	.venvs/lakehouse/bin/python benchmarks/lakehouse/lakehouse.py $(LAKEHOUSE)

# the site, in site/
docs: generated .venvs/docs/installed
	NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --strict

# what documents say of providers, commands, tables and views, from the code
generated: .venv/installed
	$(BIN)/cog -r -I docs --verbosity=1 $(GENERATED)

# the price list that is shipped, from two packages that others keep; look at what changed
prices: .venvs/prices/installed
	PYTHONPATH=pipelines .venvs/prices/bin/python pipelines/prices/make_prices.py $(PRICES)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

# sdist and wheel, in dist/
dist: .venv/installed
	rm -rf dist build
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

# constraints.txt anew: the newest versions that pyproject.toml allows; then run all tests
constraints:
	$(PYTHON) -m venv --clear .venvs/constraints
	.venvs/constraints/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,bench,azure,bedrock,vertex]'
	head -1 constraints.txt > .venvs/constraints/constraints.txt
	.venvs/constraints/bin/python -m pip freeze --exclude-editable >> .venvs/constraints/constraints.txt
	mv .venvs/constraints/constraints.txt constraints.txt

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINTS:%=-c %) -e '.[dev]'
	touch $@

.venvs/%/installed: PROJECT := -e .
# the driver of a BI tool is older than what the project can write with; the others do without it
$(patsubst %,.venvs/%/installed,bi clients dbt docs lint prices s3): PROJECT :=
# what people who look at it install
.venvs/notebook/installed: PROJECT := -e '.[dashboard]'
.venvs/%/installed: tests/environments/%.txt pyproject.toml | .venv/installed
	$(PYTHON) -m venv --clear --without-pip .venvs/$*
	$(BIN)/python -m pip --python .venvs/$*/bin/python install --quiet --disable-pip-version-check -r $< $(PROJECT)
	touch $@

.venvs/npm/installed: tests/environments/npm/package.json
	mkdir -p .venvs/npm
	cp $< .venvs/npm
	# no registry of npm: their tests are skipped
	-npm install --prefix .venvs/npm --no-audit --no-fund --silent
	touch $@

clean:
	rm -rf .venv .venvs build .mypy_cache .pytest_cache .ruff_cache .hypothesis benchmarks/.venvs site dist demo.duckdb
