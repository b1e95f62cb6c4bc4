"""Compiled chains under the digest of all that decides what they compile to.

One device is compiled many times: for each question that changes its routes or its neighbours, in
each process, in each run. Its chains mostly stay what they were, so they are compiled once and found
again by content: in memory, and as bytes wherever ``Kept`` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any, Protocol

from segaudit.model.acl import Acl, AllOf, AnyOf
from segaudit.model.device import Device
from segaudit.packets import Bounds, Universe
from segaudit.packets.stored import encoding, from_bytes, to_bytes

ChainName = tuple[str, str, str]
"""Device, chain, and where it is in the device's files."""

_LARGE = 1000
"""Nodes of a diagram."""


class Kept(Protocol):
    """Bytes by name, kept for other processes or other runs: it may forget, and must not alter."""

    def get(self, key: str, /) -> bytes | None:
        """The bytes kept under ``key``."""

    def keep(self, key: str, data: bytes, /) -> None:
        """Keep ``data`` under ``key``."""


class KeptInMemory(dict[str, bytes]):
    """``Kept`` for as long as the object lives."""

    def keep(self, key: str, data: bytes, /) -> None:
        """Keep ``data`` under ``key``."""
        self[key] = data


class ChainDigests:
    """What chains say, as digests: equal only where every rule and the default are equal.

    Where a rule stands, and how the device prints it, does not count. Jumps and interfaces count by
    their names, so that a digest alone does not tell what a chain compiles to.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Acl, str]] = {}
        self._texts: dict[object, str] = {}

    def of(self, acl: Acl) -> str:
        """The digest of one chain, not of those it jumps to."""
        held = self._known.get(id(acl))
        if held is None:
            held = self._known[id(acl)] = (acl, self._digest(acl))
        return held[1]

    def _digest(self, acl: Acl) -> str:
        rules = [f"{self._text(ace.matches)} {self._text(ace.action)}" for ace in acl.aces]
        return sha256("\n".join([_text(acl.default), *rules]).encode()).hexdigest()

    def _text(self, value: object) -> str:
        """``_text``, remembered below the level that every rule has for itself."""
        if isinstance(value, AllOf | AnyOf):
            return f"{type(value).__name__}({','.join([self._text(part) for part in value.of])})"
        text = self._texts.get(value)
        if text is None:
            text = self._texts[value] = _text(value)
        return text


class FilterStore:
    """The compiled chains of one snapshot in one universe.

    Args:
        universe: where the sets live.
        devices: whose chains are worth keeping. A device with other chains ("what if this rule were
            not there") is compiled and forgotten; one that only its routes tell from these is not.
        digests: shared by the stores of all universes.
        kept: where chains are kept beyond this universe.
    """

    def __init__(
        self, universe: Universe, devices: Iterable[Device], digests: ChainDigests, kept: Kept | None = None
    ) -> None:
        self._universe = universe
        self._chains = {id(device.acls): device.acls for device in devices}
        self._digests = digests
        self._encoding = encoding(universe)
        self._kept = kept if self._encoding is not None else None
        self._compiled: dict[str, tuple[ChainName, Bounds]] = {}

    def covers(self, device: Device) -> bool:
        """True where the chains of ``device`` are worth keeping."""
        return id(device.acls) in self._chains

    def key(self, chain: str, closure: Iterable[Acl], interfaces: Sequence[object], answers: bool) -> str:
        """Under what a chain is kept.

        Args:
            chain: its name.
            closure: it and every chain that it can jump to, in an order that they themselves decide;
                what is not among them does not exist.
            interfaces: the values of the interfaces that fit each pattern they read.
            answers: compiled in the coordinates of the answer.
        """
        chains = [(acl.name, self._digests.of(acl)) for acl in closure]
        text = repr((self._encoding, answers, chain, chains, interfaces))
        return sha256(text.encode()).hexdigest()

    def bounds(self, key: str, name: ChainName, compile_chain: Callable[[], Bounds]) -> Bounds:
        """What ``compile_chain`` makes, made once; bytes that cannot be read are made again."""
        if key not in self._compiled:
            self._compiled[key] = (name, self._read(key) or self._made(key, compile_chain))
        return self._compiled[key][1]

    def largest(self) -> ChainName | None:
        """The chain with the largest diagrams, of those that are large at all."""
        sizes = ((bounds.may.node_count, name) for name, bounds in self._compiled.values())
        size, name = max(sizes, default=(0, None))
        return name if size >= _LARGE else None

    def _made(self, key: str, compile_chain: Callable[[], Bounds]) -> Bounds:
        found = compile_chain()
        if self._kept is not None:
            self._kept.keep(key, to_bytes([found.may] if found.is_exact else [found.may, found.must]))
        return found

    def _read(self, key: str) -> Bounds | None:
        data = self._kept.get(key) if self._kept is not None else None
        if data is None:
            return None
        try:
            spaces = from_bytes(self._universe, data)
        except ValueError:
            return None
        return Bounds(spaces[0], spaces[-1]) if len(spaces) in (1, 2) else None


def _text(value: Any) -> str:
    """What a match or an action says, unambiguously; the same in every process."""
    kind: type = type(value)
    if value is None or kind in (int, str, bool):
        return repr(value)
    if kind is tuple:
        return f"({','.join([_text(part) for part in value])})"
    if kind is frozenset:
        return f"{{{','.join(sorted(_text(part) for part in value))}}}"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    return f"{kind.__name__}({','.join([_text(getattr(value, name)) for name in _names(kind)])})"


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
