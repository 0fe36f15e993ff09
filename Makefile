# The two commands of the README: `make demo` and `make test`. Both set up what they need.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := dashboards/web
STAMPS := .stamps

.PHONY: demo test test-unit check typecheck bench chaos fuzz screenshots install web wheel packages format generate \
  generated-clean lock clean
.DEFAULT_GOAL := test

## demo: a simulated town from dusk on, at the URL it prints (ARGS="--lamps 500 --speed 60")
demo: install web
	@$(BIN)/lentera demo $(ARGS)

# Five workers on two cores: most integration tests wait for a wire or a broker more than they compute.
# Those that measure time need quiet: one a core, and nothing else beside them.
# pytest's exit status 5 says that nothing was selected: ARGS may name tests of one kind only.
## test: every test, on real brokers, databases and a real browser; those that measure time after the others
test: PYTEST := $(BIN)/python -m pytest --dist=loadscope --no-loadscope-reorder
test: install web packages
	@(cd $(WEB) && exec npm test --silent) >$(STAMPS)/web-tests.log 2>&1 & web=$$!; \
	trap 'kill $$web 2>/dev/null' EXIT; \
	$(PYTEST) --timing=without --numprocesses=5 $(ARGS); \
	others=$$?; \
	wait $$web; web_tests=$$?; cat $(STAMPS)/web-tests.log; \
	$(PYTEST) --timing=only --numprocesses=2 $(ARGS); timing=$$?; \
	case "$$others $$timing $$web_tests" in "0 0 0" | "0 5 0" | "5 0 0") ;; *) exit 1 ;; esac

## test-unit: the tests of single modules, without servers or browser (ARGS="-k outbox")
test-unit: install
	@$(BIN)/python -m pytest tests/unit $(ARGS)

## check: style, types, import contracts, sizes, and generated files that are up to date
check: install $(STAMPS)/web-modules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory typecheck
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/architecture
	@cd $(WEB) && npm run --silent check
	@$(MAKE) --no-print-directory generated-clean

## typecheck: mypy, strict
typecheck: install
	@$(BIN)/mypy

## bench: figures against a limit or a peer, into bench/results.json (ONLY=name for one)
bench: install packages
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

## chaos: random faults until something is lost or doubled (ARGS="--faults 1000 --seed 7": about 20 minutes)
chaos: install packages
	@$(BIN)/python -m tests.chaos $(ARGS)

## fuzz: a million inputs of a coverage-guided fuzzer into every decoder of untrusted bytes (ARGS="--only plan --inputs 1000")
fuzz: install
	@$(BIN)/python -m tests.fuzz $(ARGS)

## generate: from the code, the MQTT reference, the register map, the API description, its TypeScript types and the
##   gateway's status page
generate: install $(STAMPS)/web-modules
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I. --python_out=. --mypy_out=. \
	  protocols/sparkplug/sparkplug_b.proto
	@$(BIN)/python -m lentera.generate
	@cd $(WEB) && npm run --silent generate

generated-clean: generate
	@git diff --exit-code --stat -- docs/mqtt.md docs/register-map.md dashboards/web/src/api/generated edge/status/page.html \
	  protocols/sparkplug \
	  || { echo "generated files differ from what is committed: run 'make generate' and commit"; exit 1; }

## screenshots: the README's picture, taken by the test of an evening
screenshots: install web packages
	@RENEW_SCREENSHOTS=true $(BIN)/python -m pytest tests/e2e/test_evening.py

## format: apply the style
format: install
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

## lock: resolve the dependencies of pyproject.toml again, to their newest versions
lock: install
	@$(BIN)/pip install --quiet pip-tools
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --all-extras \
	  --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --output-file requirements.lock pyproject.toml

install: $(STAMPS)/python

$(STAMPS)/python: requirements.lock pyproject.toml
	@mkdir -p $(STAMPS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Python packages into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

web: $(WEB)/dist/index.html

$(STAMPS)/web-modules: $(WEB)/package-lock.json
	@mkdir -p $(STAMPS)
	@echo "installing web packages …"
	@cd $(WEB) && npm ci --silent --no-fund --no-audit
	@touch $@

$(WEB)/dist/index.html: $(STAMPS)/web-modules $(shell find $(WEB)/src $(WEB)/public $(WEB)/index.html -type f 2>/dev/null)
	@echo "building the map …"
	@cd $(WEB) && npm run --silent build

## wheel: one package to install with pip, the map in it, into dist/
wheel: install web
	@rm -rf build dist
	@$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build
	@ls dist/*.whl

# Debian packages of the real servers and the browser that the tests use; only root may install them.
packages: $(STAMPS)/packages

$(STAMPS)/packages: packages.txt
	@mkdir -p $(STAMPS)
	@missing=$$(for p in $$(cat packages.txt); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -z "$$missing" ]; then touch $@; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing Debian packages: $$missing" && \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } && touch $@; \
	else echo "not installed, their tests are skipped: $$missing"; fi

clean:
	@rm -rf $(VENV) $(STAMPS) $(WEB)/node_modules $(WEB)/dist build dist var
