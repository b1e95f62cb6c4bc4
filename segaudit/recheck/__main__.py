"""``python -m segaudit.recheck PROOF``: a line per pair of zones; exit 0 where all are verified, else 5."""

import sys
from pathlib import Path

from segaudit.recheck.check import recheck
from segaudit.recheck.proof import Refused, read_proof

if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: python -m segaudit.recheck PROOF")
    try:
        found = list(recheck(read_proof(Path(path).read_bytes()), lambda *_: None))
    except (OSError, Refused) as reason:
        found = [("proof", str(reason))]
    sys.stdout.writelines(f"{pair}: {why and 'not verified: '}{why or 'verified'}\n" for pair, why in found)
    sys.exit(5 if not found or any(why for _, why in found) else 0)
