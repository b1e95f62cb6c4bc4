"""Random small networks with filters, translations and routes, as hypothesis strategies."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from builders.networks import acl, attach, device, interface, link, route, snapshot
from segaudit.model.acl import (
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
    Matches,
    Not,
    StateIn,
    Translate,
    TranslationKind,
    UnknownMatch,
)
from segaudit.model.device import Device
from segaudit.model.flow import ConnectionState, Family
from segaudit.model.snapshot import Snapshot

NETS = [0x0A010000, 0x0A020000, 0x0A030000, 0x0A0C0000, 0x0A0D0000, 0x0A170000]


def lan(number: int) -> tuple[int, int]:
    base = NETS[number % len(NETS)]
    return base, base + 255


leaves: st.SearchStrategy[Matches] = st.one_of(
    st.builds(
        lambda end, net: AddressIn(end, Family.IPV4, (lan(net),)), st.sampled_from(End), st.integers(0, 5)
    ),
    st.builds(
        lambda port: AllOf((FieldIn(Field.PROTOCOL, ((6, 6),)), FieldIn(Field.DESTINATION_PORT, (port,)))),
        st.sampled_from([(80, 80), (1, 1000), (443, 445)]),
    ),
    st.just(InterfaceIn(Direction.IN, ("eth1",))),
    st.just(InterfaceIn(Direction.OUT, ("eth2",))),
    st.just(StateIn(frozenset({ConnectionState.NEW}))),
    st.just(StateIn(frozenset({ConnectionState.ESTABLISHED, ConnectionState.RELATED}))),
    st.just(AnyPacket()),
    st.just(UnknownMatch("?")),
)
matches = st.one_of(leaves, st.builds(Not, leaves), st.builds(lambda a, b: AllOf((a, b)), leaves, leaves))
rules = st.lists(st.tuples(matches, st.sampled_from([Forwarding.ACCEPT, Forwarding.DROP])), max_size=4)
address = st.integers(0, 5).flatmap(
    lambda net: st.sampled_from([NETS[net] + 1, NETS[net] + 2, NETS[net] + 10])
)
translations = st.lists(
    st.tuples(
        matches,
        st.builds(
            lambda kind, to, ports: Translate(kind, ((to, to),), ports),
            st.sampled_from([TranslationKind.DESTINATION, TranslationKind.SOURCE]),
            address,
            st.sampled_from([(), ((8080, 8080),)]),
        ),
    ),
    max_size=2,
)


@st.composite
def routers(
    draw: st.DrawFn, name: str, one: str, two: str, others: tuple[tuple[str, str, str], ...]
) -> Device:
    nat = draw(translations)
    source = tuple(rule for rule in nat if rule[1].kind is TranslationKind.SOURCE)
    destination = tuple(rule for rule in nat if rule[1].kind is TranslationKind.DESTINATION)
    chosen = draw(st.lists(st.sampled_from(others), max_size=3, unique=True))
    built = device(
        name,
        interface("eth1", one),
        interface("eth2", two),
        routes=tuple(route(prefix, out, via) for prefix, out, via in chosen),
        acls=(
            acl(
                "forward", *draw(rules), default=draw(st.sampled_from([Forwarding.ACCEPT, Forwarding.DROP]))
            ),
            acl("pre", *destination, default=Forwarding.ACCEPT),
            acl("post", *source, default=Forwarding.ACCEPT),
        ),
        attachments=(
            attach("forward", Hook.FORWARD),
            attach("pre", Hook.PREROUTING, -100, translates=True),
            attach("post", Hook.POSTROUTING, 100, translates=True),
        ),
        tracks=True,
    )
    mode = draw(st.sampled_from([0, 0, 1, 2]))
    filtered = {name: replace(one, reverse_path_filter=mode) for name, one in built.interfaces.items()}
    return replace(built, interfaces=filtered)


@st.composite
def networks(draw: st.DrawFn) -> Snapshot:
    """a -- r1 -- r2 -- b in a chain, and a second way r1 -- r3 -- r2."""
    first = draw(
        routers(
            "r1",
            "10.1.0.1/24",
            "10.12.0.1/24",
            (
                ("10.2.0.0/24", "eth2", "10.12.0.2"),
                ("0.0.0.0/0", "eth2", "10.12.0.2"),
                ("10.3.0.0/24", "eth2", "10.12.0.3"),
            ),
        )
    )
    second = draw(
        routers(
            "r2",
            "10.12.0.2/24",
            "10.2.0.1/24",
            (("10.1.0.0/24", "eth1", "10.12.0.1"), ("0.0.0.0/0", "eth1", "10.12.0.3")),
        )
    )
    third = draw(
        routers(
            "r3",
            "10.12.0.3/24",
            "10.3.0.1/24",
            (
                ("10.1.0.0/24", "eth1", "10.12.0.1"),
                ("10.2.0.0/24", "eth1", "10.12.0.2"),
                ("0.0.0.0/0", "eth1", "10.12.0.2"),
            ),
        )
    )
    wires = [link("r1:eth1"), link("r1:eth2", "r2:eth1", "r3:eth1"), link("r2:eth2"), link("r3:eth2")]
    return snapshot([first, second, third], wires)
