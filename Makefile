# make demo         install as a user does, predict how urea packs, write the report with the landscape, say where all is
# make install      install as a user does, into .venv
# make dev          install to be worked on, into .venv: changed Python counts at once, a changed kernel is compiled alone
# make test         make dev, the whole test suite
# make test-again   the tests of processes that failed in it, once more and alone: docs/developing/testing.md says when
# make test-quick   of these, the science and the options: what needs no server, no processes and no other program
# make lint         make dev, ruff, mypy, and the walls between the rooms
# make docs         the documentation as pages, into build/docs; a warning is an error
# make linkcheck    which links of the documentation to other servers are dead: needs a network
# make sdist        the source distribution, into dist/
# make wheel        the wheel of this Python, into dist/
# make wheel-check  install the wheel where there is no compiler, and try it

# The newest Python that is there, from 3.10 on.
PYTHON ?= $(firstword $(foreach v,python3 python3.13 python3.12 python3.11 python3.10,$(shell command -v $(v) >/dev/null 2>&1 && $(v) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $(v))))
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
DEMO   ?= runs/urea
# What the installed package follows from: how it is built, the kernels, all else that is in a wheel.
BUILD   := setup.cfg setup.py pyproject.toml
KERNELS := $(shell find cython_core genarris_fw/_kernels -name '*.pyx' -o -name '*.pxd')
PACKAGE := $(shell find genarris_fw -type f -not -name '*.so' -not -path '*/__pycache__/*')
# What waits and what computes share the cores: tests/tools/distribution.py says which tests run beside which.
PYTEST_ARGS ?= -n 5 --dist loadgroup
SCIENCE := $(addprefix tests/,crystal generation descriptors clustering lattice options)
APT     := build-essential python3-dev python3-venv libcurl4 libssl3

.PHONY: demo dev install test test-again test-quick lint docs linkcheck sdist wheel wheel-check system clean

demo: install
	mkdir -p $(DEMO)
	cp -r examples/urea/. $(DEMO)/
	$(BIN)/genarris-fw run $(DEMO)/ui.conf $(RUN_ARGS)
	$(BIN)/genarris-fw report $(DEMO) --pool minima --output $(DEMO)/report.html --force

dev: $(VENV)/kernels.built

install: $(VENV)/wheel.installed

# Small matrices are no quicker on several threads, which spin while they wait: beside each other the tests have no core
# to spare for that.
test test-again test-quick: export OPENBLAS_NUM_THREADS = 1

test: dev
	$(BIN)/pytest $(PYTEST_ARGS)

test-again: dev
	$(BIN)/python tests/tools/again.py $(AGAIN_ARGS)

test-quick: dev
	$(BIN)/pytest -n 2 --dist loadgroup $(SCIENCE)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: dev
	$(BIN)/python -m sphinx -b html --fail-on-warning --keep-going --quiet docs build/docs

linkcheck: dev
	$(BIN)/python -m sphinx -b linkcheck --quiet docs build/linkcheck

# The package is in the environment in one of two ways; the last one asked for stands.
$(VENV)/dev.installed: $(BUILD) | $(BIN)/pip
	@echo "installing genarris_fw into $(VENV) to be worked on: some minutes where nothing is there yet"
	# What an earlier wheel left here would be found first, with the procedures that were registered then.
	rm -rf $(VENV)/wheel.installed genarris_fw.egg-info
	$(PIP) install --upgrade setuptools cython
	$(PIP) install --no-build-isolation --check-build-dependencies --no-compile --editable ".[embedded,tblite,pyscf,test,dev,docs]"
	# What pip does on one core; packages may hold files that are no Python of this version.
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

$(VENV)/kernels.built: $(KERNELS) $(VENV)/dev.installed
	$(BIN)/python setup.py --quiet build_ext --inplace
	$(BIN)/python -m compileall -qq genarris_fw tests || true
	touch $@

$(VENV)/wheel.installed: dist/wheel.built
	@echo "installing genarris_fw into $(VENV): some minutes where nothing is there yet"
	rm -f $(VENV)/dev.installed
	$(PIP) uninstall --yes genarris_fw
	$(PIP) install "$$(echo dist/*.whl)[embedded,tblite,pyscf,web]"
	touch $@

wheel: dist/wheel.built

dist/wheel.built: $(BUILD) $(KERNELS) $(PACKAGE) MANIFEST.in README.md LICENSE | $(BIN)/pip
	# A module that is gone would come back from the folder that setuptools collects a wheel in.
	rm -rf dist/*.whl build/lib.* build/bdist.*
	$(PIP) wheel --no-deps --wheel-dir dist .
	touch $@

wheel-check: wheel
	rm -rf build/wheel-check
	$(PYTHON) -m venv build/wheel-check
	CC=false CXX=false build/wheel-check/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	CC=false build/wheel-check/bin/python tests/tools/try_installed.py

sdist: | $(BIN)/pip
	$(PIP) install build
	$(BIN)/python -m build --sdist

$(BIN)/pip:
	@$(MAKE) --no-print-directory system
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip

# What pip cannot bring: said at once, in one line to copy.
system:
	@missing=""; \
	command -v cc >/dev/null 2>&1 || missing="$$missing a C compiler,"; \
	test -n "$(PYTHON)" || missing="$$missing Python 3.10 or newer,"; \
	test -z "$(PYTHON)" || $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing Python's venv,"; \
	test -z "$(PYTHON)" || $(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' || missing="$$missing Python's headers,"; \
	for library in libcurl.so.4 libssl.so.3; do \
	  test -z "$(PYTHON)" || $(PYTHON) -c "import ctypes; ctypes.CDLL('$$library')" 2>/dev/null || missing="$$missing $$library,"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "missing:$${missing%,}. On Debian or Ubuntu:"; \
	  echo "    sudo apt-get install -y $(APT)"; \
	  exit 1; \
	fi

clean:
	rm -rf build dist *.egg-info genarris_fw/_kernels/*.so $(VENV)
