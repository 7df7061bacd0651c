# make demo    make the environment, install, predict how urea packs, print where the results are
# make test    make the environment, install, run the whole test suite
# make test-quick    the science and the options alone: what needs no server, no processes and no other program
# make lint    ruff and mypy

# The newest Python that is there, from 3.10 on.
PYTHON ?= $(firstword $(foreach v,python3 python3.13 python3.12 python3.11 python3.10,$(shell command -v $(v) >/dev/null 2>&1 && $(v) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $(v))))
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= runs/urea
SOURCES := setup.cfg setup.py pyproject.toml $(shell find genarris_fw cython_core -name '*.py' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.json' -o -name '*.yaml')
# What waits and what computes share the cores: tests/tools/distribution.py says which tests run beside which.
PYTEST_ARGS ?= -n 4 --dist loadgroup
SCIENCE := $(addprefix tests/,crystal generation descriptors clustering options)
APT    := build-essential python3-dev python3-venv libcurl4 libssl3

.PHONY: demo test test-quick lint system clean

demo: $(VENV)/demo.installed
	mkdir -p $(DEMO)
	cp -r examples/urea/. $(DEMO)/
	$(BIN)/genarris-fw run $(DEMO)/ui.conf $(RUN_ARGS)

test: $(VENV)/test.installed
	$(BIN)/pytest $(PYTEST_ARGS)

test-quick: $(VENV)/test.installed
	$(BIN)/pytest -n 2 --dist loadgroup $(SCIENCE)

lint: $(VENV)/lint.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/demo.installed: $(SOURCES) | system
	@echo "making the environment $(VENV) and installing genarris_fw into it: some minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet ".[embedded,tblite]"
	touch $@

$(VENV)/test.installed: $(VENV)/demo.installed
	$(BIN)/python -m pip install --quiet "genarris_fw[embedded,tblite,test]"
	touch $@

$(VENV)/lint.installed: $(VENV)/demo.installed
	$(BIN)/python -m pip install --quiet "genarris_fw[dev]"
	touch $@

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
	rm -rf build *.egg-info $(VENV)
