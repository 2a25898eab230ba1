# Every command of the project. Each one sets up what it needs first (infra/setup.py), from the package registries.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SAM := .tools/sam/bin/sam
TEST := $(BIN)/python -m pytest
# The machine's own architecture for what runs here; `make deploy` builds what the template's parameter says.
ARCHITECTURE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
BUILT := .aws-sam/build/template.yaml
TSC := .tools/bin/node web/node_modules/typescript/bin/tsc
WEB := web/dist/chat-fetch.js
CHAT := functions/chat/src/chat_api
CATALOGS := $(CHAT)/locales
SOURCES := template.yaml samconfig.toml infra/package.mk $(shell find functions layers -type f -not -name '*.pyc' -not -path '*/__pycache__/*')
export SAM_CLI_TELEMETRY := 0
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## list the commands
	@sed -nE 's/^([a-z-]+):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: setup
setup: ## set up everything that the other commands need
	@$(PYTHON) infra/setup.py

.PHONY: setup-%
setup-%:
	@$(PYTHON) infra/setup.py $(subst -, ,$*)

# --- run and deploy ---------------------------------------------------------------------------------------------------

.PHONY: dev
dev: setup-dev-sam-cloud-web $(BUILT) $(WEB) ## run everything on this machine: local cloud, deployed stack, app with reload
	@exec $(BIN)/python -m local_cloud.dev

.PHONY: build
build: setup-dev-sam $(BUILT) ## build the layers and functions for this machine's architecture

$(BUILT): $(SOURCES)
	ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	@touch $@

$(WEB): $(wildcard web/src/*.ts) web/tsconfig.json web/package-lock.json
	$(TSC) --project web
	@touch $@

.PHONY: deploy
deploy: ENV := default
deploy: DEPLOYED = $(or $(shell sed -nE '/^\[$(ENV)\.deploy/,/^\[/s/.*Architecture=\\?"?(arm64|x86_64).*/\1/p' samconfig.toml),arm64)
deploy: setup-dev-sam ## build for AWS and deploy, `ENV=prod` as samconfig.toml says for prod; asks for what it does not say yet
	ARCHITECTURE=$(DEPLOYED) $(SAM) build --config-env $(ENV) --build-dir .aws-sam/deploy \
		--parameter-overrides Architecture=$(DEPLOYED)
	$(SAM) deploy --guided --config-env $(ENV) --template-file .aws-sam/deploy/template.yaml

# --- test -------------------------------------------------------------------------------------------------------------

.PHONY: test
test: setup check unit web conformance integration template runtime artifact e2e ## all that continuous integration runs

.PHONY: check
check: setup-dev-sam-scan-web ## format, lint, types, import contracts, template, policy scan
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(TSC) --project web --noEmit
	$(BIN)/cfn-lint template.yaml
	$(SAM) validate --lint
	@mkdir -p .aws-sam && $(BIN)/python -m chat_testing.deployment > .aws-sam/transformed.json
	set -o pipefail; .tools/scan/bin/checkov --config-file infra/policy/checkov.yaml --file .aws-sam/transformed.json \
		| tee .aws-sam/scan.log && ! grep -q 'Parsing errors' .aws-sam/scan.log # which it would not fail for

.PHONY: unit
unit: setup-dev
	$(TEST) tests/unit

.PHONY: web
web: setup-web $(WEB) ## build and test the browser helper
	rm -rf web/.test
	$(TSC) --project web/test
	.tools/bin/node --test --test-timeout=20000 --test-reporter=spec web/.test/*.test.js

# On as many processes as there are cores: each has a DynamoDB Local of its own.
.PHONY: conformance integration
conformance integration: setup-dev-dynamodb
	$(TEST) --numprocesses auto --maxprocesses 4 --dist worksteal tests/$@

.PHONY: template
template: setup-dev
	$(TEST) tests/template

.PHONY: runtime
runtime: setup-dev-sam
	$(TEST) tests/runtime

.PHONY: artifact
artifact: setup-dynamodb build
	$(TEST) tests/artifact

.PHONY: e2e
e2e: setup-dev-sam-cloud-web build $(WEB) ## deploy to the local cloud and test over HTTP
	$(TEST) tests/e2e tests/sam_local

.PHONY: bench
bench: export AWS_DEFAULT_REGION := eu-central-1
bench: export AWS_ACCESS_KEY_ID := test
bench: export AWS_SECRET_ACCESS_KEY := test
bench: setup-dev-dynamodb-peers build ## figures, each beside a peer in the same run
	$(BIN)/python tests/load/bench_runtime.py
	$(BIN)/python tests/load/bench_pacing.py
	$(BIN)/python tests/load/bench_turn.py
	$(BIN)/python tests/load/bench_endings.py
	$(BIN)/python tests/load/bench_store_turn.py
	$(BIN)/python tests/load/bench_turn_parts.py
	$(BIN)/python tests/load/bench_store_peers.py
	$(BIN)/python tests/load/bench_store_pages.py
	$(BIN)/python tests/load/bench_store_delete.py
	$(BIN)/python tests/load/bench_store_writers.py
	$(BIN)/python tests/load/bench_store_compression.py

.PHONY: texts
texts: UPDATE := $(BIN)/pybabel --quiet update --domain chat --output-dir $(CATALOGS) --width 120 \
	--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
texts: setup-dev ## put new texts into the catalogs and compile these, `NEW=it` begins one in Italian
	template=$$(mktemp) && trap "rm $$template" EXIT && \
	$(BIN)/pybabel --quiet extract --no-default-keywords --keyword mark --add-location file --sort-by-file \
		--project chat-api --header-comment '# Translations template for PROJECT.' --output-file $$template $(CHAT) && \
	$(if $(NEW),$(UPDATE) --input-file $$template --init-missing --locale $(NEW) &&) $(UPDATE) --input-file $$template
	$(BIN)/pybabel --quiet compile --domain chat --directory $(CATALOGS)

.PHONY: lock
lock: setup-dev ## resolve the dependencies again
	@$(PYTHON) infra/setup.py lock
