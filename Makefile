# The tasks of this project. `make` lists them. Set-up needs Python 3.11 or newer and its package registries; what was
# set up is noted in .setup/, so nothing is done twice. The browser bundle knows by itself whether it is up to date.

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off
EXAMPLES := examples/risk_scoring examples/conversation_summary examples/pii_redactor
PYTEST := $(BIN)/python -m pytest
UNIT := $(PYTEST) -n 3 -m "not alone" tests examples
UNIT_ALONE := $(PYTEST) -m alone tests/integration
# Two browsers at a time, but one where a test is about time.
E2E := $(PYTEST) -n 2 -m "not alone" e2e
E2E_ALONE := $(PYTEST) -m alone e2e

export DENO_DIR ?= $(CURDIR)/.deno
export DENO_NO_UPDATE_CHECK := 1
# The certificates that pip trusts too, where a company reads its own TLS.
export DENO_TLS_CA_STORE ?= system,mozilla

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test attack-full check bench bench-gateway bench-flow bench-telemetry bench-telemetry-cost bench-invoker fuzz mutation soak soak-gateway dist docs desktop clean lock runtime unit e2e

help: ## list the tasks
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

run: .setup/chromium runtime ## run an example plugin in a real browser and print its outcome as one JSON line
	@$(BIN)/pysandbox run examples/risk_scoring --call evaluate --input examples/risk_scoring/input.json --json

demo: .setup/chromium runtime ## serve the webchat demo page; prints its address
	@$(BIN)/pysandbox serve --plugins $(EXAMPLES) examples/misbehaving --demo

test: check .setup/browsers .setup/services runtime ## everything CI runs: checks, tests, and the tests in three real browsers
	@$(UNIT); unit=$$?; $(UNIT_ALONE); unit=$$(( unit | $$? )); $(E2E); e2e=$$?; $(E2E_ALONE); e2e=$$(( e2e | $$? )); \
	 if [ $$unit -ne 0 ]; then echo "tests or examples failed: see above" >&2; fi; \
	 if [ $$e2e -ne 0 ]; then echo "tests in browsers failed: see above" >&2; fi; exit $$(( unit | e2e ))

unit: .setup/dev .setup/services runtime ## the tests that need no browser
	@$(UNIT); unit=$$?; $(UNIT_ALONE); exit $$(( unit | $$? ))

e2e: .setup/browsers runtime ## the tests in real browsers; PYSANDBOX_ENGINES=chromium for fewer
	@$(E2E); e2e=$$?; $(E2E_ALONE); exit $$(( e2e | $$? ))

attack-full: .setup/browsers runtime ## all that runs in browsers, attacks and controls, in every engine and in isolated pages: an hour
	@PYSANDBOX_FULL=1 $(E2E); plain=$$?; \
	 PYSANDBOX_FULL=1 PYSANDBOX_ISOLATED=1 PYSANDBOX_ENGINES=chromium,firefox $(PYTEST) -n 2 e2e/attacks; exit $$(( plain | $$? ))

check: .setup/deno ## lint and types, Python and TypeScript
	@echo "Checking Python" && $(BIN)/ruff check --quiet --output-format concise . && $(BIN)/basedpyright --level error
	@echo "Checking TypeScript" && $(BIN)/deno lint --quiet && $(BIN)/deno task --quiet check

bench: .setup/chromium .setup/dev .setup/deno runtime ## measure against plain Pyodide + Comlink and PyScript
	@$(BIN)/python -m tests.bench

bench-gateway: .setup/dev .setup/load ## measure the gateway against a bare pass-through and nginx
	@$(BIN)/python -m tests.bench.gateway

bench-flow: .setup/dev ## measure the flow engine, and 1,000 flows at once on one core
	@$(BIN)/python -m tests.bench.flow

bench-invoker: .setup/dev .setup/deno runtime ## measure plugins in Deno against plain Pyodide there: a warm call, a start
	@$(BIN)/python -m tests.bench.invoker
bench-telemetry: .setup/dev .setup/services ## a million telemetry records in, asked about and deleted, on SQLite and PostgreSQL: half an hour
	@nice $(BIN)/python -m tests.bench.telemetry

bench-telemetry-cost: .setup/chromium .setup/dev runtime ## what telemetry costs a call, as pairs of turns with it and without
	@$(BIN)/python -m tests.bench.telemetry.cost

FUZZ_SECONDS ?= 600
fuzz: .setup/fuzz ## search all that reads hostile input for faults by coverage, for FUZZ_SECONDS=600; Linux on x86-64, CPython 3.11
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

mutation: .setup/dev ## small faults in the security-critical core, one at a time: do the unit tests see each? Half an hour
	@nice -n 19 $(BIN)/python -m tests.mutation

soak: .setup/chromium .setup/dev .setup/deno runtime ## a long session compressed, 200 kills, 100 plugins on a page, then fuzz and mutation: an hour
	@$(BIN)/python -m tests.soak
	@PYSANDBOX_ENGINES=chromium PYSANDBOX_KILLS=200 $(PYTEST) e2e/limits/test_many_kills.py
	@PYSANDBOX_CROWD=100 $(PYTEST) e2e/limits/test_crowd.py
	@$(MAKE) --no-print-directory fuzz mutation

soak-gateway: .setup/dev ## a day of proxied calls compressed, the upstream now well, now broken: some minutes
	@$(BIN)/python -m tests.soak.gateway

dist: .setup/chromium runtime ## what is published: wheel, npm package, SBOM; installed elsewhere without an index, it must serve, and a suite of QA's pass
	@$(BIN)/python tools/dist.py --verify

desktop: .setup/desktop runtime ## run the desktop example (PyQt6, 130 MB more) offscreen; its picture is e2e/output/desktop.png
	@PYSANDBOX_DESKTOP=1 $(PYTEST) e2e/test_desktop.py

docs: .setup/docs ## the docs as a site, in build/site/; fails where a link leads nowhere
	@$(BIN)/python tools/docs.py

lock: ## resolve the Python dependencies again (needs uv)
	@tools/lock.sh

clean: ## remove everything that set-up, builds and tests made
	@rm -rf .setup .venv .deno pysandbox/runtime/dist build dist e2e/output tests/bench/results.* tests/soak/soak.* tests/soak/gateway.* .pysandbox \
	  .pytest_cache .hypothesis .ruff_cache .cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime: .setup/base
	@$(BIN)/pysandbox runtime build

.venv/pyvenv.cfg:
	@tools/venv.sh .venv
	@touch $@

.setup/base: .venv/pyvenv.cfg requirements.lock pyproject.toml
	@mkdir -p .setup
	@echo "Installing Python packages (requirements.lock)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.setup/dev: .setup/base requirements-dev.lock
	@echo "Installing test tools (requirements-dev.lock)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

.setup/desktop: .setup/dev examples/desktop/requirements.lock
	@$(PIP) --require-hashes --only-binary :all: -r examples/desktop/requirements.lock
	@touch $@

.setup/docs: .setup/dev requirements-docs.lock
	@$(PIP) --require-hashes -r requirements-docs.lock
	@touch $@

.setup/deno: .setup/dev deno.json deno.lock
	@echo "Fetching npm packages (deno.lock)"
	@$(BIN)/deno install --quiet --frozen
	@touch $@

.setup/chromium: .setup/base
	@$(BIN)/python tools/setup_browsers.py chromium
	@touch $@

# Stamped only when nothing is missing, so that what could not be had is tried again.
.setup/browsers: .setup/dev .setup/chromium
	@$(BIN)/python tools/setup_browsers.py chromium --optional firefox webkit --stamp $@

.setup/fuzz: .setup/dev tests/fuzz/requirements.txt
	@$(PIP) --require-hashes --only-binary :all: -r tests/fuzz/requirements.txt
	@touch $@

.setup/services: .setup/base
	@$(BIN)/python tools/setup_services.py redis-server postgresql --stamp $@

.setup/load: .setup/base
	@$(BIN)/python tools/setup_services.py nginx wrk --stamp $@
