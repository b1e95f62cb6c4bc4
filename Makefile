.PHONY: demo test setup clean

demo: setup  ## bring up the acquisition network, audit it live, take it down
	@.venv/bin/segaudit demo

test:  ## everything that CI runs
	@.ci/run

setup:  ## install system packages (root) and the locked Python packages
	@.ci/setup

clean:  ## remove what was installed here and what was made
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

include oracle.mk
include bench.mk
