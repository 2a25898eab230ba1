# How `sam build` makes each artifact: included by the Makefile beside every function and layer (BuildMethod: makefile).
# An artifact holds wheels and their bytecode, nothing else, and is the same whichever folder or day it was built in.
# `make` gets ARTIFACTS_DIR from SAM and ARCHITECTURE from the environment, which must agree with the template's parameter.

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
ARCHITECTURE ?= arm64
PYTHON_VERSION := 3.13
# The same minor version as the runtime, or the bytecode would not fit.
INTERPRETER := $(ROOT)/.venv/bin/python
UV := $(ROOT)/.tools/uv/bin/uv
PLATFORM_arm64 := aarch64-manylinux_2_28
PLATFORM_x86_64 := x86_64-manylinux_2_28
PLATFORM := $(or $(PLATFORM_$(ARCHITECTURE)),$(error ARCHITECTURE is arm64 or x86_64, not $(ARCHITECTURE)))

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# $(call compile,FOLDER,WHERE LAMBDA UNPACKS IT): bytecode that is never checked against its source, since neither changes.
# Lambda's folders are read-only, so without it every cold start would compile: the import takes three times as long.
define compile
	$(INTERPRETER) -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -s $(1) -p $(2) $(1)
endef

# $(call own-package,FOLDER,WHERE LAMBDA UNPACKS IT): the member beside this Makefile, from its wheel.
# Built from a copy, so that nothing is left in the source tree; in it links are the files behind them.
define own-package
	work=$$(mktemp -d) && trap "rm -rf $$work" EXIT && mkdir -p $(1) && cp -RL $(wildcard README.md) pyproject.toml src $$work && \
	$(UV) build --quiet --no-config --wheel --out-dir $$work/dist $$work && \
	$(INTERPRETER) -m zipfile -e $$work/dist/*.whl $(1)
	$(call compile,$(1),$(2))
endef

# $(call third-party,FOLDER,WHERE LAMBDA UNPACKS IT): exactly the wheels of requirements.txt, for Lambda's machine.
# No source builds, which would be for this machine. uv starts elsewhere, or it would add the workspace's constraints.
define third-party
	$(UV) --directory / pip install --quiet --no-deps --require-hashes --only-binary :all: --link-mode copy \
		--python-version $(PYTHON_VERSION) --python-platform $(PLATFORM) \
		--target $(1) --requirement $(CURDIR)/requirements.txt
	rm -rf $(1)/bin $(1)/.lock && find $(1) -type d -name tests -prune -exec rm -rf {} +
	$(call compile,$(1),$(2))
endef

# $(call report-size,FOLDER,LIMIT): says how many MB the artifact has unpacked, and fails over the limit.
define report-size
	@size=$$(find $(1) -type f -exec cat {} + | wc -c) && \
	echo "$(@:build-%=%): $$((size / 1000)) kB, at most $(2)000" && test $$size -le $(2)000000
endef
