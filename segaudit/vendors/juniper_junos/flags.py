"""``tcp-flags "(syn & !ack) | rst"``: a small boolean expression over the flag byte."""

from __future__ import annotations

import re

from segaudit.model.acl import AllOf, AnyOf, Field, FieldMasked, Matches, Not
from segaudit.vendors.juniper_junos.words import TCP_FLAGS

_TOKENS = re.compile(r"\s*([()!&+|,]|[a-z]+|0x[0-9a-f]+|\d+)")
_DEEPEST = 50


def flags(text: str) -> Matches | None:
    """What the expression matches; ``None`` where it cannot be read."""
    tokens = _TOKENS.findall(text.lower())
    if not tokens or "".join(tokens) != re.sub(r"\s", "", text.lower()) or len(tokens) > _DEEPEST:
        return None
    try:
        found, rest = _either(tokens)
    except ValueError:
        return None
    return None if rest else found


def _either(tokens: list[str]) -> tuple[Matches, list[str]]:
    found, tokens = _both(tokens)
    while tokens and tokens[0] in "|,":
        other, tokens = _both(tokens[1:])
        found = AnyOf((found, other))
    return found, tokens


def _both(tokens: list[str]) -> tuple[Matches, list[str]]:
    found, tokens = _one(tokens)
    while tokens and tokens[0] in "&+":
        other, tokens = _one(tokens[1:])
        found = AllOf((found, other))
    return found, tokens


def _one(tokens: list[str]) -> tuple[Matches, list[str]]:
    if not tokens:
        raise ValueError
    head, rest = tokens[0], tokens[1:]
    if head == "!":
        inner, rest = _one(rest)
        return _is_tcp_and_not(inner), rest
    if head == "(":
        inner, rest = _either(rest)
        if not rest or rest[0] != ")":
            raise ValueError
        return inner, rest[1:]
    bits = TCP_FLAGS[head] if head in TCP_FLAGS else int(head, 0)
    if not 0 < bits < 256:
        raise ValueError
    return FieldMasked(Field.TCP_FLAGS, bits, bits), rest


def _is_tcp_and_not(inner: Matches) -> Matches:
    """The opposite, among packets that have flags at all."""
    return AllOf((FieldMasked(Field.TCP_FLAGS, 0, 0), Not(inner)))
