"""Compiled chains found again: only where they would compile to the same."""

from __future__ import annotations

from dataclasses import replace

from builders.networks import acl, attach, device, interface

from segaudit.model.acl import (
    Acl,
    AddressIn,
    AllOf,
    AnyPacket,
    Direction,
    End,
    Field,
    FieldIn,
    Forwarding,
    Hook,
    InterfaceIn,
    Jump,
    Matches,
    Return,
    StateIn,
    UnknownMatch,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.source import SourceSpan
from segaudit.packets import Universe
from segaudit.packets.classes import AddressClasses
from segaudit.reach.compiled import CompiledDevice
from segaudit.reach.filter_store import ChainDigests, FilterStore, KeptInMemory

ACCEPT, DROP = Forwarding.ACCEPT, Forwarding.DROP
WEB = FieldIn(Field.DESTINATION_PORT, ((80, 80),))
SSH = FieldIn(Field.DESTINATION_PORT, ((22, 22),))
FROM_LAN = InterfaceIn(Direction.IN, ("lan0",))
NEW = StateIn(frozenset({ConnectionState.NEW, ConnectionState.RELATED, ConnectionState.INVALID}))
FROM_TEN = AddressIn(End.SOURCE, Family.IPV4, ((0x0A000000, 0x0AFFFFFF),))
JUMPED = acl("services", (WEB, ACCEPT), (SSH, Return()), (AnyPacket(), DROP))
FORWARD = acl("forward", (FROM_TEN, DROP), (NEW, Jump("services")), (FROM_LAN, ACCEPT))


def _device(*chains: Acl, lan: str = "lan0", name: str = "r") -> Device:
    return device(
        name,
        interface(lan, "10.0.0.1/24"),
        interface("wan0", "10.1.0.1/24"),
        acls=chains,
        attachments=(attach(chains[0].name, Hook.FORWARD),),
    )


def _key(one: Device, family: Family = Family.IPV4, answers: bool = False) -> str:
    universe = Universe(family, 1 << 14)
    store = FilterStore(universe, [one], ChainDigests())
    return CompiledDevice(one, universe, answers).key(next(iter(one.acls)), store)


BASE = _key(_device(FORWARD, JUMPED))


def _with_first(matches: Matches) -> Device:
    first, *others = FORWARD.aces
    return _device(replace(FORWARD, aces=(replace(first, matches=matches), *others)), JUMPED)


def test_what_a_chain_compiles_to_depends_on_what_its_key_does() -> None:
    different = {
        "a rule": _with_first(WEB),
        "a default": _device(replace(FORWARD, default=ACCEPT), JUMPED),
        "an order": _device(replace(FORWARD, aces=FORWARD.aces[::-1]), JUMPED),
        "a chain jumped to": _device(FORWARD, replace(JUMPED, aces=JUMPED.aces[1:])),
        "no chain jumped to": _device(FORWARD),
        "an interface": _device(FORWARD, JUMPED, lan="zan0"),
        "a wider match": _with_first(AllOf((FROM_TEN,))),
        "an unknown": _with_first(UnknownMatch("?")),
    }
    keys = {what: _key(one) for what, one in different.items()}
    keys["another family"] = _key(_device(FORWARD, JUMPED), Family.IPV6)
    keys["answers"] = _key(_device(FORWARD, JUMPED), answers=True)
    assert len({BASE, *keys.values()}) == len(keys) + 1


def test_what_does_not_matter_is_not_in_the_key() -> None:
    moved = [replace(ace, span=SourceSpan("elsewhere", 7, 7), text="other words") for ace in FORWARD.aces]
    elsewhere = replace(FORWARD, aces=tuple(moved), span=None)
    assert _key(_device(elsewhere, JUMPED)) == BASE
    assert _key(_device(FORWARD, JUMPED, acl("unrelated", (WEB, ACCEPT)))) == BASE
    assert _key(_device(FORWARD, JUMPED, name="another router")) == BASE


def test_a_kept_chain_is_the_chain() -> None:
    one, kept = _device(FORWARD, JUMPED), KeptInMemory()
    for answers in (False, True):
        for _ in ("made", "found"):
            universe = Universe(Family.IPV4, 1 << 16)
            store = FilterStore(universe, [one], ChainDigests(), kept)
            found = CompiledDevice(one, universe, answers, store).whole("forward")
            assert found == CompiledDevice(one, universe, answers).whole("forward")
    assert len(kept) == 2


def test_a_chain_with_unknowns_keeps_both_its_bounds() -> None:
    one, kept = _with_first(UnknownMatch("?")), KeptInMemory()
    for _ in ("made", "found"):
        universe = Universe(Family.IPV4, 1 << 16)
        store = FilterStore(universe, [one], ChainDigests(), kept)
        found = CompiledDevice(one, universe, filters=store).whole("forward")
        assert found.may != found.must
        assert found == CompiledDevice(one, universe).whole("forward")


def test_what_cannot_be_read_is_compiled() -> None:
    one, kept = _device(FORWARD, JUMPED), KeptInMemory()
    kept.keep(BASE, b"not a diagram")
    universe = Universe(Family.IPV4, 1 << 16)
    store = FilterStore(universe, [one], ChainDigests(), kept)
    found = CompiledDevice(one, universe, filters=store).whole("forward")
    assert found == CompiledDevice(one, universe).whole("forward")
    assert kept[BASE] != b"not a diagram"


def test_other_chains_are_not_kept_and_other_routes_are_no_other_chains() -> None:
    one = _device(FORWARD, JUMPED)
    store = FilterStore(Universe(Family.IPV4, 1 << 14), [one], ChainDigests())
    assert store.covers(replace(one, routes=()))
    assert not store.covers(replace(one, acls={**one.acls, "forward": JUMPED}))


def test_nothing_is_kept_of_a_universe_whose_bytes_mean_nothing_elsewhere() -> None:
    one, kept = _device(FORWARD, JUMPED), KeptInMemory()
    universe = Universe(Family.IPV4, 1 << 16, AddressClasses(32))
    store = FilterStore(universe, [one], ChainDigests(), kept)
    found = CompiledDevice(one, universe, filters=store).whole("forward")
    assert found == CompiledDevice(one, universe).whole("forward")
    assert not kept
