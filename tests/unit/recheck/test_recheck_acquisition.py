"""The proof of the acquisition network, written and verified through the command line."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from segaudit.cli import main

NETWORK = Path(__file__).resolve().parents[3] / "topologies" / "acquisition"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def test_every_pair_of_it_is_verified_in_both_families(tmp_path: Path) -> None:
    proof = tmp_path / "acquisition.proof"
    policy, state = NETWORK / "policy.yaml", NETWORK / "snapshot"
    written = run("check", "-p", policy, "-s", state, "--as-of", "2026-11-24", "--proof", proof)
    assert written.exit_code == 0, written.output
    done = run("recheck", proof)
    assert done.exit_code == 0, done.output
    verified = [line for line in done.stdout.splitlines() if line.endswith(": verified")]
    assert len(verified) == 68
    assert sum("IPv6" in line for line in verified) == 34

    proof.write_bytes(proof.read_bytes().replace(b'"drop"', b'"acce"', 1))
    damaged = run("recheck", proof)
    assert damaged.exit_code == 5
    assert "hash differs" in damaged.output
