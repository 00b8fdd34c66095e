# `make audit` and `make test` set everything up first: they need python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
lang   = en
SAMPLE = $(if $(filter ru,$(lang)),sample_ru,sample)
NEXT   = $(if $(filter ru,$(lang)),$(NEXT_ru),$(NEXT_en))
NEXT_en = 'Open that file in a browser. To type funnel and not .venv/bin/funnel:' '  source .venv/bin/activate' '  .venv\Scripts\activate    (Windows)'
NEXT_ru = 'Откройте этот файл в браузере. Чтобы писать funnel, а не .venv/bin/funnel:' '  source .venv/bin/activate' '  .venv\Scripts\activate    (Windows)'
SHOOT = chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --user-data-dir=$$(mktemp -d) --hide-scrollbars --window-size=1000,1340 --screenshot=$(CURDIR)/reports/sample-$(2).png $(CURDIR)/reports/$(1)/report.html
LOCK_FLAGS := --universal --extra dev --no-header --no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help audit test browser lab docs sample pictures bench prove lint lock clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

audit: $(READY)  ## the report of the sample, into reports/sample; lang=ru: of the Russian one, in Russian
	$(BIN)/funnel audit data/$(SAMPLE)/events.csv --leads data/$(SAMPLE)/leads.csv --steps data/$(SAMPLE)/steps.yml --observed-until 2025-12-31 --lang $(lang) --out reports/$(SAMPLE)
	@printf '%s\n' $(NEXT)

test: $(READY)  ## all tests: pytest, doctests, the notebooks in both languages
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

browser:  ## what the tests in a browser need, else they are skipped: Debian's chromium, axe-core of npm
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; }
	npm install --silent --no-save --no-package-lock --no-audit --no-fund axe-core@4

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks

docs: $(READY)  ## the reference of tables, and the notebook of the audit, from where they are defined
	$(BIN)/python -m funnel_lib.core.tables > docs/tables.md
	$(BIN)/python -m funnel_lib.reporting.notebooks notebooks

sample: $(READY)  ## the sample in both languages: the same leads, other names
	$(BIN)/funnel plant data/sample --seed 1
	$(BIN)/funnel plant data/sample_ru --seed 1 --lang ru

pictures: audit  ## the README's pictures: page one of both samples, by Debian's chromium
	$(MAKE) audit lang=ru
	$(call SHOOT,sample,en)
	$(call SHOOT,sample_ru,ru)

bench: $(READY)  ## speed and memory, as ratios side by side; BENCH_LEADS=10000000 takes that many leads
	$(BIN)/python tests/bench.py

prove: $(READY)  ## statistical claims over many planted worlds (minutes to hours)
	$(BIN)/python tests/prove.py

lint: $(READY)  ## style of code and notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

lock: $(READY)  ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile $(LOCK_FLAGS) --upgrade --quiet pyproject.toml --output-file requirements.lock

clean:  ## remove what was built and rendered
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis reports/sample reports/sample_ru
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
