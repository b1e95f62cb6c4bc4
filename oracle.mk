ORACLE_RULESETS ?= 500
ORACLE_PACKETS ?= 2100
ORACLE_NETWORKS ?= 200
ORACLE_SEED ?= 1

.PHONY: oracle

oracle: setup  ## the kernel as judge: random rulesets and networks, hundreds of each (root)
	@ORACLE_RULESETS=$(ORACLE_RULESETS) ORACLE_PACKETS=$(ORACLE_PACKETS) ORACLE_NETWORKS=$(ORACLE_NETWORKS) \
	ORACLE_SEED=$(ORACLE_SEED) .venv/bin/pytest -q -s tests/oracle
