"""``python -m segaudit.recheck PROOF``: a line per pair of zones; exit 0 where all are verified, else 5."""

import sys
from pathlib import Path

from segaudit.recheck.check import recheck
from segaudit.recheck.proof import Refused, read_proof

if __name__ == "__main__":
    try:
        found = list(recheck(read_proof(Path(sys.argv[1]).read_bytes()), lambda *_: None))
    except Refused as reason:
        found = [("proof", str(reason))]
    for pair, why in found:
        sys.stdout.write(f"{pair}: {f'not verified: {why}' if why else 'verified'}\n")
    sys.exit(5 if not found or any(why for _, why in found) else 0)
