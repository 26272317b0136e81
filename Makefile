# make demo: watch an error budget burn.  make test: everything that a change must pass.
# Needs Python 3.11 or newer; Prometheus and Alertmanager come from variables such as PROMETHEUS, the
# PATH, or Debian's packages.
# Tests start hundreds of daemons: without bytecode each would compile the whole package first.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DURATION ?=

.DEFAULT_GOAL := help
.PHONY: help venv tools browser postgres demo test test-fast test-slow lint simulate bench exactness dashboards runbooks examples screenshots dist release clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(VENV)/installed  ## virtual environment with the package and what its development needs

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

tools: venv  ## Prometheus and Alertmanager in .tools, unless variables or the PATH have them
	@$(BIN)/python -c "$$FIND" 2>/dev/null || \
		.ci/prometheus-from-debian .tools "" prometheus prometheus-alertmanager

define FIND
from exporter.demo.servers import find_alertmanager, find_amtool, find_prometheus, find_promtool
print("Found:", find_prometheus(), find_promtool(), find_alertmanager(), find_amtool())
endef
export FIND

browser: venv  ## a headless Chromium in .tools, unless CHROMIUM or the PATH has one
	@$(BIN)/python -m tests.helpers.browser.browsers 2>/dev/null || \
		.ci/prometheus-from-debian .tools/browser "" chromium-headless-shell

postgres: venv  ## a PostgreSQL in .tools, unless POSTGRES_BIN, the system or the PATH has one
	@$(BIN)/python -m tests.helpers.postgres 2>/dev/null || \
		.ci/prometheus-from-debian .tools/postgres "" postgresql

demo: venv tools  ## the demo; DURATION=120 ends it by itself and judges what it saw
	$(BIN)/error-budget-exporter demo $(if $(DURATION),--duration $(DURATION))

lint: venv  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint tools browser postgres  ## style, types and all tests but the slow ones
	$(BIN)/pytest -n 3

test-fast: venv  ## the tests that need no server
	$(BIN)/pytest -n 4 -m 'not server and not slow' tests/unit

test-slow: venv tools postgres  ## what `make test` leaves out: most of the fault suite, the torture set, long histories
	THOROUGH=1 $(BIN)/pytest -n 3 -m 'slow or thorough'

simulate: venv  ## simulated daemons under seeded random faults: SEEDS=200 FIRST=0 of them, or SEED=123 with its log
	$(BIN)/python -m tests.helpers.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),20) --first $(or $(FIRST),0) --shrink) \
		$(if $(KINDS),--kinds '$(KINDS)')

bench: venv tools  ## measurements of bench/, as tables
	$(BIN)/python -m bench

NEWEST := $(CURDIR)/.tools/newest/usr/bin

$(NEWEST)/victoria-metrics:
	.ci/prometheus-from-debian .tools/newest sid prometheus victoria-metrics

exactness: export PROMETHEUS_NEWEST ?= $(NEWEST)/prometheus
exactness: export VICTORIA_METRICS ?= $(NEWEST)/victoria-metrics
exactness: venv tools $(NEWEST)/victoria-metrics  ## the torture set on three servers, as the table of docs/exactness.md
	$(BIN)/python -m bench.exactness

runbooks: venv  ## the runbook pages that are shipped, from docs/operating.md
	$(BIN)/python -m dev.runbooks

dashboards: venv  ## the dashboards that are shipped, from their builder in dev/
	$(BIN)/python -m dev.dashboards

examples: venv  ## the reports of docs/examples/, of the demo's incident at a fixed time
	$(BIN)/python -m tests.helpers.reports.examples

screenshots: venv tools browser  ## the pictures of README.md and docs/, from the demo
	$(BIN)/python -m tests.helpers.browser.screenshots docs/images

dist: venv  ## sdist and wheel in dist/; URL=https://... of the repository makes README's links absolute
	$(BIN)/python -m dev.dist $(URL) $(REF)

release: venv  ## write VERSION=1.2.3 into every file that names it, and begin its section of CHANGELOG.md
	$(BIN)/python -m dev.release set $(VERSION)

clean:  ## remove what make has made
	rm -rf $(VENV) .tools build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
