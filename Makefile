# Every target can be run on a fresh machine with Python 3.11+, pip and make, and again at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(VENV)/.installed-demo
OLDEST := .venv-oldest

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest check lint types docs teeth bench clean

help:  ## What can be done here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

$(DEMO): pyproject.toml
	@echo "Installing into $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $(DEMO)

# torch comes first and by itself: an open range would take the registry's newest build, several gigabytes.
$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) with everything the tests need (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $(STAMP) $(DEMO)

demo: $(DEMO)  ## Audit real bundled data and write holdfast-report/report.html
	@$(BIN)/holdfast demo --out holdfast-report

test: $(STAMP)  ## Every test, doctests included
	@echo "Running every test (HOLDFAST_DATA=$${HOLDFAST_DATA:-unset}) ..."
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

test-oldest:  ## The tests of the library on the oldest versions that pyproject.toml admits
	@test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet --constraint constraints-oldest.txt --editable '.[pandas,test]'
	@$(OLDEST)/bin/python -m pytest -n 2 --dist loadgroup tests/contract tests/families tests/audit tests/cli

check: lint types $(STAMP)  ## Lint, types, and the tests of what changed since the last commit
	@$(BIN)/python tests/changed.py

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP)
	@$(BIN)/mypy

docs: $(STAMP)  ## Generate and build the pages in docs/ into site/
	@$(BIN)/python docs/build.py

teeth: $(STAMP)  ## Plant bugs in the methods and count how many the tests catch
	@$(BIN)/python benchmarks/teeth.py

bench: $(STAMP)  ## Side by side with peers, where they are installed; ratios in CPU seconds
	@for script in labels label_quality neighbours drift mmd slices estimation natural_shifts estimate explain choice_by_planting audit; do \
		echo "== $$script"; OMP_NUM_THREADS=1 $(BIN)/python benchmarks/$$script.py || echo "not run: see above"; done

clean:  ## Remove what the other targets made
	@rm -rf $(VENV) $(OLDEST) holdfast-report site build dist
