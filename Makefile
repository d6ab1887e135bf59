# `make demo`, `make train-demo` and `make test`. Each makes .venv first, once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL := /bin/bash
# Every command is a process of its own; without compiled modules each would spend seconds on compiling what it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo train-demo test environment browser clean
.DELETE_ON_ERROR:

demo: environment
	$(BIN)/python -m demo.run

train-demo: environment
	$(BIN)/python -m demo.adapt

test: environment browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

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

# The service's page is tested in Debian's Chromium, which pip does not have.
browser:
	@command -v chromium >/dev/null && exit 0; \
	command -v apt-get >/dev/null || { echo "make test: install Chromium, as the command 'chromium': the page is tested in it" >&2; exit 1; }; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; \
	else echo "make test: run 'sudo apt-get install chromium': the page is tested in it" >&2; exit 1; fi; \
	echo "make test: installing Debian's Chromium, in which the page is tested"; \
	$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium >/dev/null

clean:
	rm -rf $(VENV)
