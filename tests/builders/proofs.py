"""Proof files for tests of the independent checker: written, changed, sealed again, checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from segaudit.model.policy import Policy
from segaudit.policy import parse_policy
from segaudit.recheck.check import recheck
from segaudit.recheck.proof import read_proof

POLICY = b"""
version: 1
name: random
zones:
  a: {side: left, owner: o@x.example, members: [{prefix: 10.1.0.0/24}]}
  b: {side: right, owner: o@x.example, members: [{prefix: 10.2.0.0/24}]}
  c: {side: right, owner: o@x.example, members: [{prefix: 10.3.0.0/24}]}
isolation:
  - {id: ISO-1, title: a and b, between: left, and: right, families: [ipv4], severity: high}
"""

Verified = set[str]
"""Pairs as the checker names them: ``ISO-1 a -> b IPv4``."""


def random_policy() -> Policy:
    """The policy for ``random_networks``: what is behind r1 is cut off from what is behind r2 and r3."""
    return parse_policy(POLICY, "policy.yaml")


def rechecked(proof: str) -> Verified:
    """The pairs that the checker verifies."""
    return {pair for pair, why in reasons(proof).items() if not why}


def reasons(proof: str) -> dict[str, str]:
    """Per pair why the checker does not verify it; empty where it does."""
    return dict(recheck(read_proof(proof.encode()), lambda *_: None))


def edited(proof: str, edit: Callable[[Any], None]) -> str:
    """A proof after ``edit`` of each of its networks, its hash put right again."""
    header, *lines = proof.splitlines()
    networks = [json.loads(line) for line in lines]
    for network in networks:
        edit(network)
    body = "".join(f"{json.dumps(network)}\n" for network in networks)
    sealed = {**json.loads(header), "sha256": sha256(body.encode()).hexdigest()}
    return f"{json.dumps(sealed)}\n{body}"


def changed(proof: str, other: str) -> str:
    """The claims of one proof about the devices of another."""
    devices = {(one["family"], tuple(one["assumptions"])): one["devices"] for one in _networks(other)}
    return edited(proof, lambda one: one.update(devices=devices[one["family"], tuple(one["assumptions"])]))


def _networks(proof: str) -> list[Any]:
    return [json.loads(line) for line in proof.splitlines()[1:]]
