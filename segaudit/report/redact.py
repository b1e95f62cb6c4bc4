"""Secrets in device text are masked before anything is shown or written.

The mask errs on the side of masking: after a word that introduces a secret the rest of the line
goes, because how many words a secret has differs by vendor (``secret 9 $9$...``, ``key 0 two words``).
The prefixes are the configuration languages' own: Cisco IOS security command reference, FRR manual,
Junos ``SECRET-DATA`` statements, FortiOS ``ENC``, PAN-OS and OPNsense XML elements, WireGuard,
strongSwan ``ipsec.secrets``, Net-SNMP ``snmpd.conf``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from segaudit.model.device import Device
from segaudit.model.flow import Step
from segaudit.model.probe import Observation
from segaudit.model.result import RunResult
from segaudit.model.snapshot import Snapshot
from segaudit.model.verdict import (
    Assumption,
    Barrier,
    Finding,
    Keystone,
    Margin,
    PairVerdict,
    Reconnection,
    Verdict,
    Witness,
)

MASK = "[masked]"

_WORD = r"""(?<![\w-])[\w.-]*?(?:
    passw(?:or)?d | passphrase | pwd | secret | psk
  | pre-?shared[-_]?key | private[-_]?key | shared[-_]?key | session-key | key-?string
  | authentication-key | auth[-_]?key | message-digest-key | api[-_]?(?:key|token) | access[-_]?token
  | bcrypt-hash | phash | password-hash
)(?![\w-])["']?\s*(?:[:=]\s*|\s+)"""
_PHRASE = r"""
    (?<![\w-])(?<!host\ )key\s+(?!chain\b|generate\b)
  | \bsnmp(?:-server|-agent)?\b.*?\bcommunity\s+ | ^\s*(?:trap-)?community\s+
  | \bsnmp-server\s+host\s+\S+\s+ | \b(?:ro|rw)community6?\s+ | \bcom2sec6?\s+ | \bcreateUser\s+\S+\s+
  | \b(?:auth|priv)\s+(?:md5|sha\S*|3?des\S*|aes\S*)\s+
  | \bauthentication\s+(?:string|text|md5)\s+ | \b(?:standby|vrrp|hsrp)\b.*?\bauthentication\s+
  | (?:^|\s):\s*(?:PSK|EAP|XAUTH|NTLM|PIN)\s+
  | \bENC\s+"""
_PROSE = r"(?!(?:was|is|of|has|had|and|or|for|in|that|to|from)\s+\S)"
"""A sentence of ours about a password goes on like this; a value followed by nothing is still masked."""
_INTRODUCED = re.compile(
    rf"(?P<kept>{_WORD}|{_PHRASE}){_PROSE}(?P<secret>\S.*)$", re.IGNORECASE | re.VERBOSE
)
_ELEMENT = re.compile(
    r"""(?P<kept><(?P<tag>[\w.-]*(?:passw(?:or)?d|passphrase|secret|psk|key|hash|prv|community)[\w.-]*)
    (?:\s[^>]*)?>)(?P<secret>[^<]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_CRYPTED = re.compile(r"\$(?:0|1|2[abxy]?|5|6|7|8|9|14|y|sha1|argon2\w*|pbkdf2\S*?)\$[^\s\"';]+")
_IN_URL = re.compile(r"(?P<kept>\w://[^\s/:@]*:)(?P<secret>[^\s/@]+)(?=@)")
_PRIVATE_BLOCK = re.compile(
    r"-----BEGIN (?:[\w ]*PRIVATE KEY|OpenVPN Static key[\w ]*)-----", re.IGNORECASE
)
_BLOCK_END = re.compile(r"-----END [\w ]+-----")
_FORTI_COMMUNITY = re.compile(r"^\s*config system snmp community\b")
_FORTI_NAME = re.compile(r"^(?P<kept>\s*set name\s+)(?P<secret>\S.*)$")


def redact(text: str) -> str:
    """``text`` with every secret-looking value replaced by ``MASK``, line for line."""
    lines = text.split("\n")
    masked: list[str] = []
    while len(masked) < len(lines):
        masked.extend(_next_lines(lines, len(masked)))
    return "\n".join(masked)


def _next_lines(lines: list[str], at: int) -> list[str]:
    """The masked form of the line at ``at``, or of the whole block that starts there."""
    line = lines[at]
    begin = _PRIVATE_BLOCK.search(line)
    if begin and not _BLOCK_END.search(line, begin.end()):
        count = _length_until(lines, at, _BLOCK_END)
        return [line[: begin.end()], *[MASK] * (count - 1)]
    if begin:
        return [line[: begin.start()] + MASK]
    if _FORTI_COMMUNITY.match(line):
        count = _length_until(lines, at, re.compile(r"^end\b|^\S"))
        return [_masked_line(_FORTI_NAME.sub(_mask, entry)) for entry in lines[at : at + count]]
    return [_masked_line(line)]


def _length_until(lines: list[str], at: int, end: re.Pattern[str]) -> int:
    """How many lines from ``at`` up to the first later one that ``end`` matches (or to the last)."""
    following = (index for index in range(at + 1, len(lines)) if end.search(lines[index]))
    return next(following, len(lines) - 1) - at + 1


_HINTS = re.compile(
    "pass|pwd|secret|psk|key|token|hash|communi|snmp|com2sec|createuser|auth|priv|prv|eap|ntlm|pin|enc|[$]|://"
)
"""Every pattern above needs one of these: most lines have none and are passed over (10 times faster)."""


def _masked_line(line: str) -> str:
    if not _HINTS.search(line.lower()):
        return line
    for pattern in (_ELEMENT, _IN_URL, _INTRODUCED):
        line = pattern.sub(_mask, line)
    return _CRYPTED.sub(MASK, line)


def _mask(match: re.Match[str]) -> str:
    return match["kept"] + MASK


def redacted(result: RunResult) -> RunResult:
    """``result`` in which all text that came from a device went through ``redact``."""
    return replace(
        result,
        snapshot=_snapshot(result.snapshot),
        verdicts=tuple(_verdict(verdict) for verdict in result.verdicts),
        findings=tuple(_finding(finding) for finding in result.findings),
        observations=tuple(_observation(seen) for seen in result.observations),
        excerpts=tuple((path, redact(text)) for path, text in result.excerpts),
    )


def _snapshot(snapshot: Snapshot) -> Snapshot:
    return replace(
        snapshot,
        devices={name: _device(device) for name, device in snapshot.devices.items()},
        failures=tuple(replace(failure, reason=redact(failure.reason)) for failure in snapshot.failures),
    )


def _device(device: Device) -> Device:
    lines = tuple(
        replace(line, text=redact(line.text), reason=redact(line.reason)) for line in device.lines
    )
    return replace(device, lines=lines)


def _verdict(verdict: Verdict) -> Verdict:
    return replace(verdict, pairs=tuple(_pair(pair) for pair in verdict.pairs))


def _pair(pair: PairVerdict) -> PairVerdict:
    return replace(
        pair,
        witness=_witness(pair.witness) if pair.witness else None,
        barriers=tuple(_barrier(barrier) for barrier in pair.barriers),
        assumptions=tuple(_assumption(assumption) for assumption in pair.assumptions),
        depends_on=_texts(pair.depends_on),
        reason=redact(pair.reason),
        margin=_margin(pair.margin) if pair.margin else None,
    )


def _margin(margin: Margin) -> Margin:
    stones = tuple(_keystone(stone) for stone in margin.keystones)
    found = _reconnection(margin.reconnection) if margin.reconnection else None
    return replace(margin, keystones=stones, undecided=_texts(margin.undecided), reconnection=found)


def _reconnection(found: Reconnection) -> Reconnection:
    changes = tuple(replace(one, text=redact(one.text), change=redact(one.change)) for one in found.changes)
    return Reconnection(changes, _witness(found.nearest_miss) if found.nearest_miss else None)


def _keystone(stone: Keystone) -> Keystone:
    story = _witness(stone.nearest_miss) if stone.nearest_miss else None
    return replace(stone, text=redact(stone.text), change=redact(stone.change), nearest_miss=story)


def _witness(witness: Witness) -> Witness:
    steps = tuple(_step(step) for step in witness.trace.steps)
    return replace(witness, trace=replace(witness.trace, steps=steps))


def _step(step: Step) -> Step:
    return replace(step, what=redact(step.what))


def _barrier(barrier: Barrier) -> Barrier:
    return replace(barrier, text=redact(barrier.text), way=redact(barrier.way))


def _assumption(assumption: Assumption) -> Assumption:
    return replace(assumption, text=redact(assumption.text))


def _finding(finding: Finding) -> Finding:
    return replace(finding, title=redact(finding.title), detail=redact(finding.detail))


def _observation(seen: Observation) -> Observation:
    controls = replace(seen.controls, notes=_texts(seen.controls.notes))
    return replace(seen, controls=controls, why=redact(seen.why))


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(redact(text) for text in texts)
