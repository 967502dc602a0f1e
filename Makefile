# Everything a newcomer or CI runs. `make help` lists the targets.
#
# Three environments: .venv for the local stack and the tests; .venv-sam for the SAM command line and .venv-audit for the
# tools of `make audit`, whose pins differ.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAM_VENV := .venv-sam
SAM := $(SAM_VENV)/bin/sam
AUDIT_VENV := .venv-audit
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
TEST_WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadgroup

# Layers whose requirements.txt is written by `make requirements`.
HASHED_LAYERS := layers/dependencies examples/storyboard/layers/video
.PHONY: requirements release

# The stack that `make destroy` deletes.
STACK ?= tarmac

.DEFAULT_GOAL := help
.PHONY: help demo storyboard up down unit test test-all test-browser test-node check faults mutation bench schemathesis calls docs recording diagrams check-template audit build deploy build-storyboard deploy-storyboard destroy format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: $(VENV)/local.stamp ## Run the main job on the embedded local AWS: images in, archived videos out
	@$(BIN)/tarmac demo

storyboard: $(VENV)/local.stamp ## Make a film of three shots on the local stack, with the example in examples/storyboard
	@$(BIN)/tarmac storyboard

up: $(VENV)/local.stamp ## Start the local stack in the background and deploy to it
	@$(BIN)/tarmac up

down: $(VENV)/local.stamp ## Stop the local stack; its state stays in .local
	@$(BIN)/tarmac down

unit: $(VENV)/test.stamp ## Run the unit tests: no stack, no processes, under a minute
	$(PYTEST) -m unit --hypothesis-profile=fast

test: $(VENV)/test.stamp ## Run unit and integration tests: one model per operation, short faults
	$(PYTEST) -m "not slow"

test-all: $(VENV)/test.stamp ## Run all tests: all models, storms, load, canaries, removed guards
	$(PYTEST)

test-browser: $(VENV)/node.stamp ## Call an avatar from the example page in a real browser (needs chromium)
	$(BIN)/python -m tests.browser

test-node: $(VENV)/node.stamp ## Check state machines and permissions in JavaScript; run the official Node SDK against the local stack
	$(BIN)/python -m tests.machines_node
	$(BIN)/python -m tests.permissions
	$(BIN)/python -m tests.conformance.node

check: $(VENV)/test.stamp ## Lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check-template: $(VENV)/test.stamp $(SAM_VENV)/sam.stamp ## Validate, translate, lint and build the template, without Docker
	$(BIN)/python -m local.checks
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --config-env storyboard
	$(MAKE) build build-storyboard

audit: $(AUDIT_VENV)/audit.stamp ## Judge template, policies and sources by independent tools; every finding needs a reason
	@$(AUDIT_VENV)/bin/python -m tests.audit

build: $(VENV)/bin/python $(SAM_VENV)/sam.stamp ## sam build: functions and layers for Lambda (python3.13, arm64)
	PYTHON=$(CURDIR)/$(BIN)/python SAM_CLI_TELEMETRY=0 $(SAM) build

deploy: build $(VENV)/local.stamp ## Deploy to AWS, with questions
	SAM_CLI_TELEMETRY=0 $(SAM) deploy --guided

build-storyboard: $(VENV)/bin/python $(SAM_VENV)/sam.stamp ## sam build of the example in examples/storyboard
	PYTHON=$(CURDIR)/$(BIN)/python SAM_CLI_TELEMETRY=0 $(SAM) build --config-env storyboard

deploy-storyboard: build-storyboard ## Deploy examples/storyboard beside a deployed stack, with questions
	SAM_CLI_TELEMETRY=0 $(SAM) deploy --config-env storyboard --guided

destroy: $(VENV)/local.stamp $(SAM_VENV)/sam.stamp ## Delete the stack STACK (tarmac) from AWS, unless executions run; FORCE=1 asks. Data is retained
	@$(BIN)/tarmac destroy-check --stack $(STACK) $(if $(FORCE),--force)
	SAM_CLI_TELEMETRY=0 $(SAM) delete --stack-name $(STACK)

faults: $(VENV)/test.stamp ## Explore the protocol under injected faults, the long form
	PYTHONPATH=.:layers/tarmac/python $(BIN)/python -m tests.faults --long

mutation: $(VENV)/test.stamp ## Mutate the rules and count the mutants that their tests kill
	$(BIN)/python -m tests.mutation

bench: $(VENV)/test.stamp ## Compare polls, cold starts and the archive with the usual ways; count write units
	PYTHONPATH=.:layers/tarmac/python $(BIN)/python -m bench.pacing
	PYTHONPATH=.:layers/tarmac/python $(BIN)/python -m bench.writes
	PYTHONPATH=.:layers/tarmac/python $(BIN)/python -m bench.cold_start
	PYTHONPATH=.:layers/tarmac/python $(BIN)/python -m bench.archive

schemathesis: $(VENV)/test.stamp ## Call the API with thousands of requests made up from its document
	SCHEMATHESIS_EXAMPLES=$(or $(SCHEMATHESIS_EXAMPLES),30) $(BIN)/python -m pytest tests/e2e/test_generated_calls.py

calls: $(VENV)/test.stamp ## Record the calls of all functions in tests of the stack, and write docs/permissions.md
	$(PYTEST) tests/e2e tests/conformance -m "not slow" --record-calls
	@$(BIN)/python -m local.documentation

docs: $(VENV)/local.stamp ## Generate docs/models.md, docs/configuration.md and docs/permissions.md
	@$(BIN)/python -m local.documentation

recording: $(VENV)/local.stamp ## Record a real demo run as docs/images/demo.svg
	@$(BIN)/python -m local.recording

requirements: $(VENV)/bin/python ## Write the hash-checked requirements of the layers from their .in files and constraints.txt
	@$(BIN)/python $(PIP_INSTALL) -r requirements/tools.txt
	@for layer in $(HASHED_LAYERS); do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command "make requirements" --constraint requirements/constraints.txt \
			--output-file $$layer/requirements.txt $$layer/requirements.in || exit 1; \
	done

release: $(VENV)/test.stamp ## Check the version, changelog and tests, then tag vX.Y.Z (does not push)
	@$(BIN)/python -m local.release

diagrams: $(VENV)/local.stamp ## Generate docs/state-machines.md from the definitions of the state machines
	@$(BIN)/python -m local.diagrams

format: $(VENV)/test.stamp ## Format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Delete environments, builds and the local stack's state
	@if [ -x $(BIN)/tarmac ]; then $(BIN)/tarmac down; fi
	rm -rf $(VENV) $(SAM_VENV) $(AUDIT_VENV) .local .aws-sam

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tarmac needs Python 3.11 or newer; this is %s. Name one: make PYTHON=python3.13" % sys.version.split()[0])'
	@echo "making $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/local.stamp: $(VENV)/bin/python requirements/local.txt requirements/constraints.txt layers/dependencies/requirements.txt pyproject.toml
	@echo "installing the packages of the local stack (once)" >&2
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r layers/dependencies/requirements.txt
	@$(BIN)/python $(PIP_INSTALL) -r requirements/local.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/local.stamp requirements/test.txt
	@echo "installing the packages of the tests (once)" >&2
	@$(BIN)/python $(PIP_INSTALL) -r requirements/test.txt
	@touch $@

$(VENV)/node.stamp: $(VENV)/test.stamp requirements/node.txt
	@echo "installing Node.js for the tests in JavaScript (once)" >&2
	@$(BIN)/python $(PIP_INSTALL) -r requirements/node.txt
	@touch $@

$(SAM_VENV)/sam.stamp: requirements/sam.txt requirements/sam-constraints.txt
	@echo "installing the SAM command line into $(SAM_VENV) (once)" >&2
	@$(PYTHON) -m venv $(SAM_VENV)
	@$(SAM_VENV)/bin/python $(PIP_INSTALL) -r requirements/sam.txt
	@touch $@

$(AUDIT_VENV)/audit.stamp: requirements/audit.txt requirements/audit-constraints.txt requirements/node.txt
	@echo "installing the tools of the audit into $(AUDIT_VENV) (once)" >&2
	@$(PYTHON) -m venv $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python $(PIP_INSTALL) -r requirements/audit.txt
	@$(AUDIT_VENV)/bin/python $(PIP_INSTALL) --no-deps -r requirements/node.txt
	@touch $@
