"""Random policies are read back as they were meant; random text is refused in one way only."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import jsonschema
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segaudit.errors import PolicyError
from segaudit.model.flow import Family
from segaudit.policy import expired, parse_policy, policy_schema
from segaudit.policy.consistency import asserted_pairs
from segaudit.policy.grammar import Misread, parse_prefix, parse_service

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
).filter(str.strip)
DATES = st.dates(date(2020, 1, 1), date(2040, 1, 1))
PORTS = st.integers(0, 65535)
SERVICES = st.one_of(
    st.just("any"),
    st.builds("{}/{}".format, st.sampled_from(["tcp", "udp", "sctp"]), PORTS),
    st.builds(
        lambda protocol, ends: f"{protocol}/{min(ends)}-{max(ends)}",
        st.sampled_from(["tcp", "udp"]),
        st.tuples(PORTS, PORTS),
    ),
    st.builds("{}/{}".format, st.sampled_from(["icmp", "icmpv6", "ip"]), st.integers(0, 255)),
)
SERVICE_LISTS = st.lists(SERVICES, min_size=1, max_size=3, unique=True)
DEMANDS: dict[str, st.SearchStrategy[Any]] = {
    "direction": st.sampled_from(["both", "forward", "reverse"]),
    "severity": st.sampled_from(["critical", "high", "medium", "low"]),
    "families": st.sampled_from([["ipv4"], ["ipv6"], ["ipv6", "ipv4"]]),
    "controls": st.lists(TEXTS, max_size=2, unique=True),
}
WILD = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A valid policy: zones of two sides and a neutral one, isolations, exceptions, a flow."""
    left, right, neutral = (f"{side}-{draw(NAMES)}" for side in ("l", "r", "n"))
    zones = {
        f"{left}{n}": {"side": "left-side", "owner": draw(TEXTS), "members": [{"device": f"l{n}"}]}
        for n in range(draw(st.integers(1, 3)))
    }
    zones[right] = {"side": "right-side", "owner": draw(TEXTS), "members": draw(members())}
    zones[neutral] = {"owner": draw(TEXTS), "members": [{"site": draw(TEXTS), "vlan": "7"}]}
    isolation = {"id": "ISO", "title": draw(TEXTS), "between": "left-side", "and": right}
    isolation.update(draw(st.fixed_dictionaries({}, optional=DEMANDS)))
    ends = (f"{left}0", right) if isolation.get("direction", "both") != "reverse" else (right, f"{left}0")
    conduit = {"services": draw(SERVICE_LISTS), "owner": draw(TEXTS), "justification": draw(TEXTS)}
    exemption = {
        "id": "EXC",
        "assertion": "ISO",
        "from": ends[0],
        "to": ends[1],
        "expires": str(draw(DATES)),
    }
    flow = {
        "id": "FLOW",
        "from": f"{left}0",
        "to": neutral,
        "expires": draw(st.one_of(st.just("never"), DATES.map(str))),
    }
    return {
        "version": "1",
        "name": draw(TEXTS),
        "zones": zones,
        "isolation": [isolation],
        "flows": [{**flow, **conduit}],
        "exceptions": [{**exemption, **conduit}],
    }


@st.composite
def members(draw: st.DrawFn) -> list[dict[str, str]]:
    length = draw(st.integers(8, 32))
    start = draw(st.integers(0x0B000000, 0x7EFFFFFF))
    prefix = IPv4Network((start >> (32 - length) << (32 - length), length))
    return [{"prefix": str(prefix)}, {"interface": draw(TEXTS), "role": draw(TEXTS)}]


def dumped(document: dict[str, Any], flow_style: bool) -> bytes:
    text = yaml.dump(
        document, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, default_flow_style=flow_style
    )
    return text.encode()


@WILD
@given(documents(), st.booleans())
def test_a_policy_is_read_as_written(document: dict[str, Any], flow_style: bool) -> None:
    content = dumped(document, flow_style)
    policy = parse_policy(content, "policy.yaml")
    isolation, exemption, flow = document["isolation"][0], document["exceptions"][0], document["flows"][0]
    assert policy.name == document["name"]
    assert list(policy.zones) == list(document["zones"])
    for name, zone in document["zones"].items():
        read = policy.zones[name]
        assert (read.owner, read.side) == (zone["owner"], zone.get("side"))
        assert [member.text for member in read.members] == [
            ", ".join(f"{key}: {value}" for key, value in member.items()) for member in zone["members"]
        ]
    (asserted,) = policy.isolations
    assert (asserted.title, asserted.and_text) == (isolation["title"], isolation["and"])
    assert asserted.between == tuple(
        name for name in policy.zones if policy.zones[name].side == "left-side"
    )
    assert [family.label for family in asserted.families] == sorted(
        isolation.get("families", ["ipv4", "ipv6"])
    )
    assert list(asserted.controls) == isolation.get("controls", [])
    (hole,) = policy.exceptions
    assert (hole.source, hole.destination) in asserted_pairs(asserted)
    assert [service.text for service in hole.services] == exemption["services"]
    assert (str(hole.expires), hole.justification) == (exemption["expires"], exemption["justification"])
    assert (str(policy.flows[0].expires) if policy.flows[0].expires else "never") == flow["expires"]
    assert parse_policy(content, "policy.yaml") == policy


@WILD
@given(documents())
def test_what_is_readable_satisfies_the_schema(document: dict[str, Any]) -> None:
    parse_policy(dumped(document, False), "policy.yaml")
    jsonschema.validate(document, policy_schema())


@WILD
@given(documents(), DATES)
def test_what_expired_is_what_no_longer_holds(document: dict[str, Any], as_of: date) -> None:
    policy = parse_policy(dumped(document, False), "policy.yaml")
    ended = {problem.value.split(" ")[0] for problem in expired(policy, as_of)}
    assert ("EXC" in ended) == (not policy.exceptions[0].holds(as_of))
    assert ("FLOW" in ended) == (policy.flows[0].expires is not None and policy.flows[0].expires < as_of)


@WILD
@given(documents(), st.data())
def test_a_policy_that_lost_a_part_is_read_or_refused_with_a_place(
    document: dict[str, Any], data: st.DataObject
) -> None:
    lines = dumped(document, False).decode().splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from(["drop", "twice", "cut", "indent"]))
    changed = {
        "drop": "",
        "twice": lines[at] * 2,
        "cut": lines[at][: len(lines[at]) // 2],
        "indent": "  " + lines[at],
    }
    check_outcome("".join([*lines[:at], changed[change], *lines[at + 1 :]]).encode())


@WILD
@given(
    st.one_of(
        st.text().map(str.encode), st.binary(), st.text(":-[]{}&*!|>'\"%@`#,?\n \tabc01").map(str.encode)
    )
)
def test_any_bytes_are_refused_as_a_policy_error(content: bytes) -> None:
    check_outcome(content)


YAML_VALUES = st.recursive(
    st.one_of(TEXTS, st.none(), st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    ["version", "name", "zones", "members", "prefix", "id", "services", "and", "expires"]
                ),
                NAMES,
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
SECTION_NAMES = ("name", "services", "zones", "isolation", "flows", "exceptions", "assumptions")
SECTIONS = st.fixed_dictionaries(
    {"version": st.just("1")},
    optional=dict.fromkeys(SECTION_NAMES, YAML_VALUES),
)


@WILD
@given(SECTIONS)
def test_any_shape_is_refused_as_a_policy_error(document: dict[str, Any]) -> None:
    check_outcome(dumped(document, False))


def check_outcome(content: bytes) -> None:
    try:
        parse_policy(content, "policy.yaml")
    except PolicyError as refused:
        assert refused.problems
        assert all(problem.where.startswith("policy.yaml") for problem in refused.problems)
        places = [[int(part) for part in problem.where.split(":")[1:]] for problem in refused.problems]
        assert places == sorted(places)
        assert all("\n" not in problem.what + problem.value + problem.hint for problem in refused.problems)


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 32))
def test_ipv4_prefixes_are_read_with_their_bounds(address: int, length: int) -> None:
    network = IPv4Network((address >> (32 - length) << (32 - length), length))
    if not network.is_loopback and not network.is_link_local:
        assert parse_prefix(str(network)) == (
            Family.IPV4,
            int(network.network_address),
            int(network.broadcast_address),
        )


@given(st.integers(0, (1 << 128) - 1), st.integers(0, 128))
def test_ipv6_prefixes_with_host_bits_are_refused(address: int, length: int) -> None:
    network = IPv6Network((address >> (128 - length) << (128 - length), length))
    spelled = f"{Family.IPV6.address(address)}/{length}"
    try:
        found = parse_prefix(spelled)
    except Misread:
        assert address != int(network.network_address) or network.is_link_local or network.is_loopback
    else:
        assert found == (Family.IPV6, address, int(network.broadcast_address))


@given(st.text(max_size=12))
def test_any_text_is_a_service_or_misread(text: str) -> None:
    try:
        service = parse_service(text)
    except Misread:
        return
    assert service.text == text
    assert all(0 <= first <= last <= 65535 for first, last in service.ports)
