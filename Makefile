# Every target sets up what it needs in .venv, and installs again only when a requirements file changed.

PYTHON ?= python3
CONFIG ?= train/configs/default.toml
DATA ?=
MODEL ?=
INPUT ?= data/sample_descriptors.csv
OUTPUT ?= build/scored.csv
COLUMN ?= description

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
CLASSIFIER := $(BIN)/merchant-classifier
TRAIN := $(BIN)/python -m train
WITH_MODEL := $(if $(MODEL),--model $(MODEL))
# Serving code comes from this checkout through the editable installation, `train` and `tests` from the working directory.

.PHONY: help setup demo score bench verify test test-fast check data train train-smoke release rollback build clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  variables: PYTHON=$(PYTHON) CONFIG=$(CONFIG) MODEL=<shipped> INPUT=$(INPUT) OUTPUT=$(OUTPUT) COLUMN=$(COLUMN)"

setup: $(STAMPS)/train ## install everything, for training and tests too

demo: $(STAMPS)/serve ## classify a sample file and show some of it
	@mkdir -p build
	@$(CLASSIFIER) score data/sample_descriptors.csv -o build/demo.csv --column description $(WITH_MODEL)
	@$(BIN)/python examples/show_scored.py build/demo.csv

score: $(STAMPS)/serve ## classify COLUMN of INPUT into OUTPUT
	@mkdir -p $(dir $(OUTPUT))
	@$(CLASSIFIER) score $(INPUT) -o $(OUTPUT) --column $(COLUMN) $(WITH_MODEL)

bench: $(STAMPS)/serve ## measure start-up, latency and throughput
	@$(CLASSIFIER) bench $(WITH_MODEL)

verify: $(STAMPS)/serve ## check the model's hashes, golden answers and latency
	@$(CLASSIFIER) verify $(WITH_MODEL)

test: check ## run every check and every test
	$(BIN)/python -m pytest

test-fast: $(STAMPS)/test ## run the tests that need no torch and little time
	$(BIN)/python -m pytest -m "not train and not slow"

check: $(STAMPS)/train ## run ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

data: $(STAMPS)/train ## rebuild data/merchants.csv from its packages
	$(TRAIN) data

train: $(STAMPS)/train ## train a model as CONFIG says, or on your own file: make train DATA=mine.csv
	$(if $(DATA),$(TRAIN) own $(DATA),$(TRAIN) run --config $(CONFIG))

train-smoke: $(STAMPS)/train ## the same stages in about a minute, for trying them out
	$(TRAIN) run --config train/configs/smoke.toml

release: $(STAMPS)/train ## compare the trained model with the current one; put it into models/ if it may
	$(TRAIN) gate --config $(CONFIG)
	$(TRAIN) release --config $(CONFIG)

rollback: $(STAMPS)/train ## make the previous model the current one again
	$(TRAIN) rollback

build: $(STAMPS)/serve ## build the wheel, with the current model in it
	$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls -l dist/*.whl

clean: ## remove what was built and installed
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# The installed command, metadata and wheel builder; code changes need no new installation.
$(STAMPS)/serve: $(STAMPS)/venv requirements/batch.txt requirements/build.txt pyproject.toml
	@echo "installing what serving needs ..."
	@$(INSTALL) --require-hashes -r requirements/batch.txt -r requirements/build.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/serve requirements/test.txt
	@echo "installing what the tests need ..."
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

# torch first and by its own file, which says why; then the rest as locked.
$(STAMPS)/train: $(STAMPS)/test requirements/torch.txt requirements/train.txt
	@echo "installing what training needs ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements/torch.txt
	@$(INSTALL) --require-hashes -r requirements/train.txt
	@touch $@
