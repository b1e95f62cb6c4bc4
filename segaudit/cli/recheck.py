"""recheck: verify a proof with the checker that shares no code with the prover."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from segaudit.cli.progress import progress_bar
from segaudit.errors import VerificationError

NOT_VERIFIED = VerificationError.exit_code
_HINT = "give the file that `segaudit check --proof` wrote, whole and unchanged"

_EPILOG = """
\b
Exit codes:
  0  every pair of zones that the policy cuts off is verified
  5  at least one is not, or the file is damaged or not understood
"""


@click.command(epilog=_EPILOG)
@click.argument("proof", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def recheck(proof: Path) -> None:
    """Verify a proof file with a second program.

    PROOF is what `segaudit check --proof` wrote: the network as plain data and, for every place in it,
    all packets that can be there. recheck confirms with code of its own that these contain everything
    the source zone can send, that no device leads out of them, and that none is in the destination zone
    beyond what the policy permits. So a bug in the prover cannot make a pair `verified`. It prints a
    line per pair of zones, and takes several times as long as the proof.

    It takes the network and the policy in the file as given: whoever doubts these compares them with
    the configs. The same check without this program: python -m segaudit.recheck PROOF
    """
    from segaudit.recheck.check import recheck as checked
    from segaudit.recheck.proof import Refused, read_proof

    try:
        with progress_bar("rechecking") as tell:
            found = list(checked(read_proof(proof.read_bytes()), tell))
    except Refused as reason:
        raise VerificationError.because(str(proof), "not verified", str(reason), _HINT) from reason
    for pair, why in found:
        click.echo(f"{pair}: {f'not verified: {why}' if why else 'verified'}")
    good = sum(not why for _, why in found)
    click.echo(f"{good} of {len(found)} pairs verified", err=True)
    sys.exit(0 if found and good == len(found) else NOT_VERIFIED)
