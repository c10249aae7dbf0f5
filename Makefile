# `make demo` and `make test` work in a fresh clone: each makes .venv by itself, once, and again only when the
# interpreter or the dependencies changed. PYTHON=python3.12 chooses the interpreter.

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && exit; done; echo python3)
endif
VENV   := .venv
BIN    := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
READY  := $(VENV)/.ready-$(VERSION)
WORKERS ?= 4

.PHONY: demo test check lint types imports soak contract screenshots bench venv clean

venv: $(READY)

# The stamp holds a digest of what is installed, so that an edit of a linter's settings installs nothing.
WANTED := $(shell $(PYTHON) -c 'import hashlib, json, tomllib; \
	t = tomllib.load(open("pyproject.toml", "rb")); p = t["project"]; \
	w = [p["dependencies"], p["optional-dependencies"], p["scripts"], t["dependency-groups"], t["build-system"]]; \
	print(hashlib.sha256(json.dumps(w).encode() + open("constraints.txt", "rb").read()).hexdigest())' 2>/dev/null)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Jinkies needs Python 3.11 or newer; name one with PYTHON=python3.12" >&2; exit 1; }
	@test "$$(cat $@ 2>/dev/null)" = "$(WANTED)" || $(MAKE) --no-print-directory install
	@touch $@

.PHONY: install
install:
	@test -e $(READY) || rm -rf $(VENV)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (Python $(VERSION)) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--group dev --editable '.[demo,web]'
	@echo $(WANTED) > $(READY)

demo: $(READY)
	@$(BIN)/jinkies-tui --demo

test: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not soak and not contract'

check: lint types imports test

lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

soak: $(READY)
	@$(BIN)/python -m pytest -m soak -s

# make contract SPEC=path/to/discord-openapi.json
contract: $(READY)
	@test -f "$(SPEC)" || { echo "give the API description: make contract SPEC=path/to/discord-openapi.json"; exit 2; }
	@JINKIES_DISCORD_SPEC=$(abspath $(SPEC)) $(BIN)/python -m pytest -m contract
	@JINKIES_DISCORD_SPEC=$(abspath $(SPEC)) $(BIN)/python -m pytest -n $(WORKERS) -m 'not soak and not contract' tests/bot

screenshots: $(READY)
	@$(BIN)/python -m screenshots.make

bench: $(READY)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV)
