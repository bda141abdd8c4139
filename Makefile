# make install   a virtual environment with everything pinned
# make demo      the main job on real data that ships with scanpy; says where the report is
# make test      the default tests (under 10 minutes on 2 cores)
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Threads that wait by spinning make a busy machine many times slower.
export OMP_WAIT_POLICY ?= PASSIVE
READY  := $(VENV)/.installed

.PHONY: install scatter demo test slow lint bench peers peers-spatial docs clean

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $(READY)

demo: install
	$(BIN)/scrcl-graph demo

test: install
	$(BIN)/python -m pytest

slow: install
	$(BIN)/python -m pytest -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m scrcl_graph.benchmark performance

# peers live in an environment of their own, so that they cannot change the versions of ours
peers peers-spatial: install
	$(PYTHON) -m venv $(VENV)-$@
	$(VENV)-$@/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-$@/bin/python -m pip install --quiet 'torch==2.13.0' '.[$@]'

# torch-scatter has no wheel for this torch: it is built once, in about 5 minutes of one core, and kept for later clones.
# Where it cannot be built (offline, no compiler) this says so and does not fail: nothing in the package needs it.
WHEELS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/scrcl-graph/wheels/torch-2.13.0

scatter: install
	@ls $(WHEELS)/torch_scatter-*.whl >/dev/null 2>&1 || { \
	    echo "building torch-scatter into $(WHEELS)"; \
	    $(BIN)/python -m pip install --quiet setuptools wheel && \
	    MAX_JOBS=1 FORCE_ONLY_CPU=1 $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation \
	        --wheel-dir $(WHEELS) torch-scatter==2.1.2; } || true
	@if ls $(WHEELS)/torch_scatter-*.whl >/dev/null 2>&1; then \
	    $(BIN)/python -m pip install --quiet --no-deps --no-index --find-links $(WHEELS) torch-scatter && \
	    $(BIN)/python -m pytest tests/nn tests/testing; \
	else \
	    echo "**** SKIPPED: torch-scatter could not be built, its aggregations were NOT tested ****"; fi

docs: install
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build --strict --site-dir site

clean:
	rm -rf $(VENV) demo-output
