PYTHON ?= python3

.venv/installed-dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q setuptools -c constraints.txt
	.venv/bin/pip install -q --no-build-isolation -e ".[hf,eval,dev]" -c constraints.txt
	touch $@

.PHONY: test
test: .venv/installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -q
