# Two commands: `make run` serves the portal with its demo city, `make test` checks everything.
PORT ?= 8000
PY := .venv/bin/python
export FLASK_APP := wsgi

.PHONY: run test lint unit browser soak bench fmt words permissions setup
.DEFAULT_GOAL := run

run:
	@tools/setup.sh run
	@$(PY) -m app.serve --port $(PORT) --demo

test:
	@tools/setup.sh test
	@$(PY) tools/check.py

lint:
	@tools/setup.sh test
	@$(PY) tools/check.py lint

unit:
	@tools/setup.sh test
	@$(PY) tools/check.py unit

browser:
	@tools/setup.sh test
	@$(PY) tools/check.py browser

soak:
	@tools/setup.sh soak
	@rm -f .figures.jsonl
	@LINYI_FIGURES=$(CURDIR)/.figures.jsonl $(PY) -m pytest -q tests -m soak --timeout 3600
	@$(PY) tools/reliability.py .figures.jsonl

bench:
	@tools/setup.sh test
	@$(PY) -m benchmarks.run

fmt:
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix-only -q .

# Reads every text out of the code, brings the English up to date, lists what has none.
words:
	@tools/setup.sh test
	@$(PY) tools/words.py

# Writes docs/permissions.md out of the policy table and the routes.
permissions:
	@tools/setup.sh test
	@$(PY) -m tools.permissions
