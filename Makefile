.PHONY: demo test setup coverage-table clean

demo: setup  ## bring up the acquisition network, audit it live, take it down
	@.venv/bin/segaudit demo

test:  ## everything that CI runs
	@.ci/run

setup:  ## install system packages (root) and the locked Python packages
	@.ci/setup

coverage-table: setup  ## count what became of every line of the corpora, vendor by vendor: docs/vendors.md
	@.venv/bin/python -m tests.corpora.coverage

clean:  ## remove what was installed here and what was made
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

include oracle.mk
include bench.mk
