.PHONY: bench

bench: setup  ## what the engine costs as networks grow: CPU seconds and peak memory per stage, nothing asserted
	@nice .venv/bin/python tests/bench/measure.py 100 300 1000
	@nice .venv/bin/python tests/bench/measure.py 100 300 --way command
