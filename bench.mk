UV = $(or $(shell command -v uv),.uv/bin/uv)

.PHONY: bench bench-growth bench-rules bench-classes bench-peers

bench: bench-growth bench-rules bench-classes bench-peers  ## what the engine costs: CPU seconds, peak memory and ratios, nothing asserted

bench-growth: setup  ## stage by stage as networks grow, all at once and one thing at a time
	@nice .venv/bin/python tests/bench/measure.py 100 300 1000
	@nice .venv/bin/python tests/bench/measure.py 100 300 --way command
	@nice .venv/bin/python tests/bench/measure.py --grow devices --grow rules --grow zones --grow routes

bench-rules: setup  ## half a million rules, from text to verdict: in one filter, in a hundred, in a thousand
	@nice .venv/bin/python tests/bench/measure.py --filters 1x500000 100x5000 1000x500

bench-classes: setup  ## large routing tables, addresses as bits beside addresses as classes
	@nice .venv/bin/python tests/bench/class_codec.py 16x5000 16x50000

bench-peers: setup  ## the same questions to Z3, and the Stanford backbone beside hassel-C
	@$(UV) sync --locked --quiet --inexact --group bench
	@nice .venv/bin/python tests/bench/peers.py
