# Every command that works on this repository; people and CI use the same ones. `make` lists them.
# ARGS passes options on: make serve ARGS="--port 50052", make test ARGS="-k drain".
# PYTHON chooses the interpreter of a new .venv: make serve PYTHON=/opt/python3.12/bin/python3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve serve-gpu test test-gpu lint format protos export bench loadtest lock docker clean

VENV := .venv
# onnxruntime and onnxruntime-gpu own the same folder, so each has an environment of its own.
GPU_VENV := .venv-gpu
GPU_TESTS := .venv-gpu-tests
GPU_BUNDLE := models/default/bundle-cuda-fp16
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt
REQUIREMENTS := pyproject.toml client/pyproject.toml requirements/constraints.txt
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))

# ONNX Runtime's wheels report their use to their maker unless told not to.
export ORT_DISABLE_TELEMETRY ?= 1

# All tests are shared out among processes, each of some 2 GB; for a few tests starting those takes longer than it saves.
WORKERS := --numprocesses logical --maxprocesses 4 --dist worksteal

# A command of the right name is not enough: version managers leave names behind that only print an error.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	$$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

serve: $(VENV)/ready-to-serve ## Serve the embedded model on localhost:50051 (installs what that needs, without PyTorch)
	@$(RUN) -m server $(ARGS)

serve-gpu: $(GPU_VENV)/ready ## Serve an fp16 bundle on an NVIDIA GPU (docs/gpu.md; some 2 GB to fetch)
	@$(GPU_VENV)/bin/python -m server --provider cuda --bundle $(GPU_BUNDLE) $(ARGS)

test: $(VENV)/ready-to-develop ## Run the tests (installs everything, PyTorch too)
	@$(RUN) -m pytest $(or $(ARGS),$(WORKERS))

test-gpu: $(GPU_TESTS)/ready ## Run the tests that need an NVIDIA GPU, where there is one (some 5 GB to fetch)
	@$(GPU_TESTS)/bin/python -m pytest -m gpu tests/gpu $(ARGS)

lint: $(VENV)/ready-to-develop ## Check style, formatting, types and protos
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/buf lint

format: $(VENV)/ready-to-develop ## Rewrite the code in the house format
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

protos: $(VENV)/ready-to-develop ## Generate the gRPC stubs and docs/api.md from protos/
	@$(RUN) scripts/gen_protos.py
	@$(RUN) scripts/render_api.py

export: $(VENV)/ready-to-develop ## Rebuild the embedded bundle from its PyTorch checkpoint
	@$(RUN) -m export --force $(ARGS)

bench: $(VENV)/ready-to-develop ## Measure quality and start-up as docs/benchmarks.md does (ARGS="startup" for one)
	@$(if $(ARGS),$(RUN) -m benchmarks $(ARGS),$(RUN) -m benchmarks startup && $(RUN) -m benchmarks quality)

# Without ARGS it brings its own server, and needs what that needs.
loadtest: $(VENV)/ready-to-load $(if $(ARGS),,$(VENV)/ready-to-serve) ## Show in about a minute what a load test finds (ARGS="run steady --target HOST:PORT" for a real one)
	@$(RUN) -m loadtest $(or $(ARGS),tour)

lock: $(RUN) ## Choose new exact versions of all dependencies
	@$(RUN) requirements/lock.py

docker: ## Build the CPU image as precis:cpu
	docker build --target cpu --tag precis:cpu .

clean: ## Remove .venv and all that was built or cached, but no model
	rm -rf $(VENV) $(GPU_VENV) $(GPU_TESTS) build dist *.egg-info client/build client/dist client/*.egg-info
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is older than the files that decide what is installed exactly when they changed after the last install.
$(VENV)/ready-to-serve: $(REQUIREMENTS) | $(RUN)
	@echo "Installing the server and the client into $(VENV) (once, some 100 MB to fetch) ..."
	@$(INSTALL) -e ./client -e '.[server]'
	@touch $@

$(GPU_VENV)/ready: $(REQUIREMENTS)
	@$(MAKE) --no-print-directory VENV=$(GPU_VENV) $(GPU_VENV)/bin/python
	@echo "Installing the server, the client and CUDA's libraries into $(GPU_VENV) (once, some 2 GB to fetch) ..."
	@$(GPU_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt \
		-e ./client -e '.[gpu]'
	@touch $@

$(VENV)/ready-to-load: $(REQUIREMENTS) | $(RUN)
	@echo "Installing Locust and the client into $(VENV) (once) ..."
	@$(INSTALL) -e ./client -e '.[loadtest]'
	@touch $@

$(VENV)/ready-to-develop: $(REQUIREMENTS) | $(RUN)
	@echo "Installing everything for development into $(VENV) (once; PyTorch alone is 0.2 to 3 GB, see CONTRIBUTING.md) ..."
	@$(INSTALL) -e ./client -e '.[server,export,train,loadtest,dev]'
	@touch $@ $(VENV)/ready-to-serve $(VENV)/ready-to-load

$(GPU_TESTS)/ready: $(REQUIREMENTS) | $(RUN)
	@echo "Installing everything for tests on a GPU into $(GPU_TESTS) (once, some 5 GB to fetch) ..."
	@$(RUN) -m venv $(GPU_TESTS)
	@$(INSTALL:$(RUN)%=$(GPU_TESTS)/bin/python%) -e ./client -e '.[export,train,dev]'
	@$(GPU_TESTS)/bin/python -m pip uninstall --quiet --yes onnxruntime
	@$(INSTALL:$(RUN)%=$(GPU_TESTS)/bin/python%) -e '.[gpu]'
	@touch $@

$(RUN):
	@test -n "$(PYTHON)" || { echo "Précis needs Python 3.11 or 3.12, and neither is on the PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@"$(PYTHON)" -c '$(SUPPORTED)' || { echo "Précis needs Python 3.11 or 3.12; $(PYTHON) is" \
		"$$("$(PYTHON)" --version 2>&1)." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments." \
		"On Debian and Ubuntu install its venv package, such as python3.11-venv." >&2; exit 1; }
	@echo "Making $(VENV) with $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
