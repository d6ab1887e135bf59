# Two commands: `make demo` and `make test`. Both make .venv first, once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL := /bin/bash
# Every command is a process of its own; without compiled modules each would spend seconds on compiling what it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test environment clean
.DELETE_ON_ERROR:

demo: environment
	$(BIN)/python -m demo.run

test: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

environment: $(READY)

# PyTorch for the CPU lies either where pip is set up to look, or on PyTorch's own index, which uv knows.
$(READY): pyproject.toml requirements/cpu.txt requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps torch==2.13.0+cpu 2>/dev/null \
	  || $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --torch-backend cpu torch==2.13.0
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements/cpu.txt -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(READY)

clean:
	rm -rf $(VENV)
