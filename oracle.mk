ORACLE_RULESETS ?= 500
ORACLE_PACKETS ?= 2100
ORACLE_NETWORKS ?= 200
ORACLE_SEED ?= 1
ORACLE_RUN = .venv/bin/pytest -q -s

.PHONY: oracle oracle-kernel oracle-proved oracle-second oracle-stanford

oracle: oracle-kernel oracle-proved oracle-second oracle-stanford  ## every judge of the engine, as long as it takes (root)

oracle-kernel: setup  ## random rulesets and networks by the hundred, and the kernel's word on each packet (root)
	@ORACLE_RULESETS=$(ORACLE_RULESETS) ORACLE_PACKETS=$(ORACLE_PACKETS) ORACLE_NETWORKS=$(ORACLE_NETWORKS) \
	ORACLE_SEED=$(ORACLE_SEED) $(ORACLE_RUN) tests/oracle/test_kernel_box.py tests/oracle/test_kernel_networks.py

oracle-proved: setup  ## service matrices that Isabelle proved, and every packet that goes with them
	@ORACLE_PROVED_PACKETS=1000000 $(ORACLE_RUN) tests/oracle/test_proved_matrices.py

oracle-second: setup  ## the fixpoint against walks, and addresses as bits against addresses as classes
	@ORACLE_NETWORKS=$(ORACLE_NETWORKS) ORACLE_SEED=$(ORACLE_SEED) $(ORACLE_RUN) tests/property/test_fixpoint_against_walk.py tests/property/test_engine_against_interpreter.py \
	tests/oracle/test_class_codec.py

oracle-stanford: setup  ## every pair of ports of the Stanford backbone: hassel-C's, walked, and by destination
	@ORACLE_STANFORD=1 $(ORACLE_RUN) tests/bench/test_stanford_backbone.py tests/bench/test_stanford_files.py
