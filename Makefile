# Every target sets up what it needs in .venv; a second call only checks the stamps.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"
export OMP_WAIT_POLICY = passive
# Where it is set, each command would compile all libraries anew: seconds before it begins.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup setup-dev setup-torch setup-azurite setup-checkov setup-ministack run test test-all lint bench lock docs clean

setup: .venv/core.stamp

setup-dev: .venv/dev.stamp

setup-torch: .venv/torch.stamp

setup-azurite: tests/azurite/node_modules/.package-lock.json

setup-checkov: .venv-checkov/tool.stamp

setup-ministack: .venv-ministack/tool.stamp

run: setup
	$(BIN)/retail-forecast run $(ARGS)

# A file's tests stay with one worker, which makes its fixtures once.
# One that hangs, or that ends its worker, says where and ends the run: it would else be begun again and again.
test: setup-dev
	$(BIN)/pytest -m "not slow" -n logical --dist loadfile --max-worker-restart=0 \
		-o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true $(ARGS)

test-all: setup-torch
	$(BIN)/pytest $(ARGS)

lint: setup-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/hadolint server/DockerFile core/DockerFile
	$(BIN)/pytest -q tests/repository/test_locks.py

# One benchmark: make bench NAME=ingest ARGS='--times 4'; each tells its options with ARGS=--help.
bench: setup-dev
	$(BIN)/python benchmarks/$(or $(NAME),$(error NAME=... is one of: $(basename $(notdir $(wildcard benchmarks/*.py))))).py $(ARGS)

# The locks of development, of the server and of the image for jobs (with the extra `aws`) repeat the pins of the core lock.
lock: setup-dev
	$(COMPILE) pyproject.toml --group build -o core/requirements.txt
	$(COMPILE) pyproject.toml --group build --extra dev -c core/requirements.txt -o requirements-dev.txt
	$(COMPILE) pyproject.toml --group build --extra aws -c core/requirements.txt -o core/requirements-aws.txt
	$(COMPILE) --group server -c core/requirements.txt -o server/requirements.txt
	$(COMPILE) --group checkov -o requirements-checkov.txt
	$(COMPILE) --group ministack -o requirements-ministack.txt

# What the server's image holds whatever it is built on; the build adds what the base brings (server/bill.py).
sbom: setup-dev
	mkdir -p build
	$(BIN)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml -o build/server.sbom.json server/requirements.txt

docs: setup
	$(BIN)/python -c "from retail_forecast.domain.contract import document; print(document(), end='')" > docs/data-contract.md
	$(BIN)/python -c "from retail_forecast.lake.athena import document; print(document(), end='')" > docs/athena.sql
	$(BIN)/python aws/script/readme.py
	$(BIN)/python -c "from retail_forecast.features.registration import document; print(document(), end='')" > aws/feature-groups.json

clean:
	rm -rf .venv .venv-checkov .venv-ministack build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Some systems ship Python without ensurepip; there, pip fetches virtualenv, in the version of the lock, into a folder thrown away after use.
%/made.stamp:
	$(PYTHON) -m venv --clear $(@D) || { \
		tool=$$(mktemp -d) && trap "rm -rf $$tool" EXIT && \
		grep -o '^[a-z][^ ]*==[^ ]*' requirements-dev.txt > $$tool/pins.txt && \
		$(PYTHON) -m pip install --quiet --target $$tool -c $$tool/pins.txt virtualenv && \
		PYTHONPATH=$$tool $(PYTHON) -m virtualenv --quiet --clear $(@D); }
	touch $@

.venv/core.stamp: core/requirements.txt pyproject.toml .venv/made.stamp
	$(INSTALL) --require-hashes -r core/requirements.txt
	$(INSTALL) --no-build-isolation -e .
	touch $@

.venv/dev.stamp: requirements-dev.txt .venv/core.stamp
	$(INSTALL) --require-hashes -r requirements-dev.txt
	touch $@

# The pins of Checkov and of the emulator MiniStack contradict ours, so each lives beside, with a lock of its own.
.venv-checkov/tool.stamp .venv-ministack/tool.stamp: .venv-%/tool.stamp: requirements-%.txt .venv-%/made.stamp
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $<
	touch $@

# PyTorch, the extra `torch`, is in no lock: which build pip takes depends on the machine, and some are gigabytes. So `make test` skips
# its tests where it is missing; continuous integration forbids that and installs it first.
.venv/torch.stamp: pyproject.toml .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o 'torch==[0-9.]*' pyproject.toml)"
	touch $@

# The emulator of Azure Blob Storage that tests start; it needs Node. Without it `make test` skips what runs on it.
tests/azurite/node_modules/.package-lock.json: tests/azurite/package-lock.json
	npm ci --prefix tests/azurite --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@
