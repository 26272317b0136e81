# make demo: watch an error budget burn.  make test: everything that a change must pass.
# Needs Python 3.11 or newer; Prometheus and Alertmanager come from variables such as PROMETHEUS, the
# PATH, or Debian's packages.
# Tests start hundreds of daemons: without bytecode each would compile the whole package first.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
DURATION ?=

.DEFAULT_GOAL := help
.PHONY: help venv tools browser postgres engine helm demo test test-fast test-slow test-faults lint simulate bench exactness dashboards runbooks examples screenshots lock image dist release clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(VENV)/installed  ## virtual environment with the package and what its development needs

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r constraints.txt
	$(PIP) --no-build-isolation -e .
	@rm -rf *.egg-info  # one of another version would be found before the installed one, by whoever runs here
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

engine:  ## buildah and runc in .tools, and a base for the image: its tests are skipped without
	@test -e .tools/engine/python.tar || .ci/prometheus-from-debian .tools/engine "" buildah || \
		{ rm -rf .tools/engine; echo "No engine: the image is not tested."; }

# helm is told by its makers which Kubernetes it stands for; who builds it tells it, too.
CAPABILITIES := $(foreach package,chartutil lint/rules,-X helm.sh/helm/v3/pkg/$(package).k8sVersionMajor=1 \
	-X helm.sh/helm/v3/pkg/$(package).k8sVersionMinor=34)

helm:  ## helm and kubeconform in .tools, by Go: the chart's tests are skipped without
	@test -x .tools/helm/kubeconform || { mkdir -p .tools/helm && cd .tools/helm && \
		export GOBIN=$$PWD CGO_ENABLED=0 && timeout 900 sh -c \
		'go install -ldflags "-s -w $(CAPABILITIES)" helm.sh/helm/v3/cmd/helm@v3.22.0 && \
		go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0'; } || \
		echo "No helm: the chart is not tested."

demo: venv tools  ## the demo; DURATION=120 ends it by itself and judges what it saw
	$(BIN)/error-budget-exporter demo $(if $(DURATION),--duration $(DURATION))

lint: venv  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint tools browser postgres  ## style, types and all tests but the slow ones; TESTS="-m ''" has those, too
	$(BIN)/pytest -n 3 $(TESTS)

# A worker per core: these wait for nobody, and each collects all of them. A plugin that they do not use takes a
# second to load.
test-fast: venv  ## tests that need no server and are over soon
	$(BIN)/pytest -n 2 -p no:schemathesis -m 'not server and not slow and not lengthy' tests/unit

test-slow: venv tools postgres engine helm  ## what `make test` leaves out: most of the fault suite, the torture set, long histories
	THOROUGH=1 $(BIN)/pytest -n 3 -m 'slow or thorough'

test-faults: venv tools postgres  ## all tests that docs/reliability.md names, slow ones included, and simulations
	$(BIN)/pytest -n 3 -m '' tests/server/faults/test_reliability_table.py tests/unit/simulation \
		$$(grep -o 'test_[a-z_]*\.py' docs/reliability.md | sort -u | sed 's/^/-name /; $$!s/$$/ -o/' | xargs find tests)

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

LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-annotate \
	--custom-compile-command 'make lock' $(UPGRADE)

# Twice, since the image has neither what development needs nor the extras but PostgreSQL's driver.
lock: venv  ## the constraints, from pyproject.toml; with UPGRADE=--upgrade the newest of everything
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(LOCK) --all-extras -o constraints.txt pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' | \
		$(LOCK) --extra postgres -c constraints.txt -o constraints-image.txt pyproject.toml -

image:  ## the container image, by ENGINE=docker, podman or buildah; URL=https://... of the repository is its source
	version=$$(sed -nE 's/^version = "(.*)"$$/\1/p' pyproject.toml) && \
		$(or $(ENGINE),docker) build --tag error-budget-exporter:$$version --build-arg VERSION=$$version \
		--build-arg SOURCE=$(URL) --build-arg REVISION=$$(git rev-parse HEAD) \
		--build-arg CREATED=$$(git log -1 --format=%cI) .

dist: venv  ## sdist and wheel in dist/; URL=https://... of the repository makes README's links absolute
	$(BIN)/python -m dev.dist $(URL) $(REF)

release: venv  ## write VERSION=1.2.3 into every file that names it, and begin its section of CHANGELOG.md
	$(BIN)/python -m dev.release set $(VERSION)

clean:  ## remove what make has made
	rm -rf $(VENV) .tools build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
