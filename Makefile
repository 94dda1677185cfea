# `make demo` and `make test` do all set-up themselves; the README names the plain commands.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test deploy-test check serve lock clean

demo: $(VENV)/.runtime
	$(BIN)/python -m hub demo

serve: $(VENV)/.runtime
	$(BIN)/python -m hub serve

# The tests are compiled once, while mypy has one of two processors, and not by each process that
# runs them: that is why bytecode is written whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev
	sh tests/browser/find-chromium.sh
	sh tests/find-postgresql.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --collect-only -qq >/dev/null & $(BIN)/mypy; typed=$$?; wait; exit $$typed
	$(BIN)/python -m pytest -n 4 --dist loadfile

# Images, compose files and scripts on a throw-away Docker engine; says so where there can be none.
deploy-test: $(VENV)/.dev
	bash tests/deploy/run.sh $(BIN)/python

$(VENV)/bin/python:
	$(or $(shell command -v $(PYTHON)),python3) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

# Needs the `uv` program; writes lock files without any index address.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	  --quiet pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	  --quiet --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
