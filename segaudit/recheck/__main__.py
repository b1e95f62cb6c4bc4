"""``python -m segaudit.recheck PROOF``: a line per pair of zones; exit 0 only where all are verified, else 5."""

import sys
from pathlib import Path

from segaudit.recheck import lines, read_proof, recheck

if __name__ == "__main__":
    results = list(recheck(read_proof(Path(sys.argv[1]).read_bytes()), lambda *_: None))
    print(*lines(results), sep="\n")
    sys.exit(0 if results and not any(one.why for one in results) else 5)
