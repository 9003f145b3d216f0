# The commands a newcomer types first. Each does all of its own set-up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up
PLAN   := specs/plans/ngram.yaml
# Tests run side by side, each process on one core: threads of several processes only wait for each other.
TESTS  := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup

.PHONY: help setup quickstart test test-all lint format types clean

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP)  ## make .venv with everything that running and developing needs

# setuptools comes first and is then used as it stands, so that building our own package asks for no second download.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt setuptools
	$(BIN)/python -m pip install -q -c constraints.txt --no-build-isolation -e '.[eager,train,dev]'
	touch $@

quickstart: setup  ## compile a shipped plan, show its graph, stream a real answer
	$(BIN)/specplan compile $(PLAN)
	$(BIN)/specplan run $(PLAN) --stats --prompt "Write a Python function that adds two numbers, then explain it."

test: lint  ## style, types and the tests that are quick
	$(TESTS) -m "not slow" --durations=10

test-all: lint  ## the same, and the tests that take long
	$(TESTS) --durations=20

lint: setup types
	$(BIN)/ruff check -q .
	$(BIN)/ruff format -q --check .

format: setup  ## lay the code out as `make lint` wants it
	$(BIN)/ruff check -q --fix .
	$(BIN)/ruff format -q .

# mypy names a package after its folder, and a clone's folder may have any name: a link gives it ours.
types: setup
	mkdir -p .build && ln -sfn .. .build/specplan
	cd .build && ../$(BIN)/mypy --config-file ../pyproject.toml --no-error-summary -p specplan

clean:  ## remove what these commands made, the models' cache excepted
	rm -rf $(VENV) .build .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
