from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from segaudit.errors import PolicyError
from segaudit.model.flow import Family
from segaudit.model.policy import Claim, IsolationDirection, Policy
from segaudit.policy import expired, parse_policy, read_policy

POLICY = """\
version: 1
name: branch-separation
services:
  dns: [udp/53, tcp/53]
zones:
  branch-lan:
    side: subsidiary
    owner: netops@branch.example
    members:
      - prefix: 10.20.0.0/24
      - {site: lisbon, vlan: 20}
  branch-ot:
    side: subsidiary
    owner: ot@branch.example
    members: [{vrf: OT, device: "br-rt*"}]
  parent-core:
    side: parent
    owner: noc@parent.example
    members: [{prefix: 10.0.0.0/12}, {role: core}]
    exclude: [{prefix: 10.9.0.0/16}]
  shared-dns:
    owner: noc@parent.example
    members: [{prefix: 10.99.0.53/32}]
  internet:
    members: [{device: isp}]
isolation:
  - id: ISO-1
    title: Branch Ltd is cut off from Parent Inc
    between: subsidiary
    and: parent-core
    direction: forward
    families: [ipv6]
    severity: high
    evidence: {model: all, probes: none, max_age: 36h}
    controls: [PCI-DSS-4.0.1/11.4.5]
  - {id: ISO-2, between: parent, and: internet}
flows:
  - id: FLOW-1
    from: branch-lan
    to: shared-dns
    services: [dns, icmp/8]
    owner: netops@branch.example
    justification: Name resolution
    ticket: CHG-1042
    expires: never
    must_work: true
    through: [br-fw1]
exceptions:
  - id: EXC-1
    assertion: ISO-1
    from: branch-ot
    to: parent-core
    services: [tcp/22]
    owner: ciso@branch.example
    justification: Hand-over
    expires: 2026-12-15
assumptions:
  - id: ASM-1
    about: {device: br-rt1, interface: eth3}
    claim: no-effect
    owner: netops@branch.example
    justification: Seen in the rack
    expires: 2027-01-01
"""


def parsed(text: str = POLICY) -> Policy:
    return parse_policy(text.encode(), "policy.yaml")


def refused(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parsed(text)
    return [f"{problem.where}: {problem.what}" for problem in caught.value.problems]


def test_zones_sides_and_owners() -> None:
    policy = parsed()
    assert [(zone.name, zone.side) for zone in policy.zones.values()] == [
        ("branch-lan", "subsidiary"),
        ("branch-ot", "subsidiary"),
        ("parent-core", "parent"),
        ("shared-dns", None),
        ("internet", None),
    ]
    assert policy.zones["branch-ot"].owner == "ot@branch.example"
    assert policy.side_of("parent-core") == "parent"
    lan = policy.zones["branch-lan"].members
    assert lan[0].prefix == (Family.IPV4, 0x0A140000, 0x0A1400FF)
    assert (lan[1].site, lan[1].vlan, lan[1].prefix) == ("lisbon", 20, None)
    assert lan[1].text == "site: lisbon, vlan: 20"
    assert (lan[1].where, str(lan[1].span)) == ("policy.yaml:11:9", "policy.yaml:11")


def test_isolations_have_their_sides_resolved() -> None:
    first, second = parsed().isolations
    assert (first.between, first.and_) == (("branch-lan", "branch-ot"), ("parent-core",))
    assert (first.between_text, first.and_text) == ("subsidiary", "parent-core")
    assert (first.direction, first.families) == (IsolationDirection.FORWARD, (Family.IPV6,))
    assert (first.severity, first.probes, first.max_age_hours, first.max_age_days) == (
        "high",
        "none",
        36,
        1,
    )
    assert (second.between, second.and_) == (("parent-core",), ("internet",))


def test_an_isolation_that_says_little_means_the_strictest() -> None:
    second = parsed().isolations[1]
    assert second.direction is IsolationDirection.BOTH
    assert second.families == (Family.IPV4, Family.IPV6)
    assert (second.severity, second.probes, second.max_age_hours) == ("critical", "every-pair", None)
    assert second.title == "parent is cut off from internet"


def test_flows_exceptions_and_assumptions() -> None:
    policy = parsed()
    flow, exemption, assumption = policy.flows[0], policy.exceptions[0], policy.assumptions[0]
    assert [service.text for service in flow.services] == ["udp/53", "tcp/53", "icmp/8"]
    assert (flow.expires, flow.must_work, flow.through, flow.ticket) == (
        None,
        True,
        ("br-fw1",),
        "CHG-1042",
    )
    assert (exemption.assertion, exemption.expires) == ("ISO-1", date(2026, 12, 15))
    assert (assumption.claim, assumption.about.device) == (Claim.NO_EFFECT, "br-rt1")


def test_an_exception_holds_through_its_last_day() -> None:
    policy = parsed()
    assert expired(policy, date(2026, 12, 15)) == ()
    assert [problem.where for problem in expired(policy, date(2026, 12, 16))] == ["policy.yaml:56:14"]
    assert [problem.what for problem in expired(policy, date(2027, 1, 2))] == [
        "expired exception",
        "expired assumption",
    ]


def test_the_digest_is_of_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(POLICY.replace("\n", "\r\n").encode())
    policy = read_policy(path, "shown.yaml")
    assert policy.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert policy.path == "shown.yaml"
    assert policy.zones["branch-lan"].members[0].where == "shown.yaml:10:9"


def test_a_byte_order_mark_is_no_problem() -> None:
    assert parse_policy(b"\xef\xbb\xbf" + POLICY.encode(), "policy.yaml").name == "branch-separation"


@pytest.mark.parametrize("kind", ["absent", "folder"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "absent.yaml"
    with pytest.raises(PolicyError, match=r"^policy\.yaml: cannot read the file: "):
        read_policy(path, "policy.yaml")


def test_yaml_traps_stay_as_written() -> None:
    policy = parsed(POLICY.replace("name: branch-separation", "name: no").replace("CHG-1042", "22:22"))
    assert (policy.name, policy.flows[0].ticket) == ("no", "22:22")


def test_a_flow_against_a_one_way_isolation_is_not_a_hole_in_it() -> None:
    """Isolation forbids packets of one direction; what comes back is judged, not refused here."""
    opposite = POLICY.replace(
        "    from: branch-lan\n    to: shared-dns\n", "    from: parent-core\n    to: branch-ot\n"
    )
    assert parsed(opposite).flows[0].source == "parent-core"
    crossing = POLICY.replace("    to: shared-dns\n", "    to: parent-core\n")
    assert refused(crossing) == ["policy.yaml:38:5: flow crosses isolation ISO-1"]


def test_a_flow_is_refused_once_per_isolation_it_crosses() -> None:
    twice = POLICY.replace(
        "flows:\n", "  - {id: ISO-3, between: branch-lan, and: parent}\nflows:\n"
    ).replace("    to: shared-dns\n", "    to: parent-core\n")
    assert refused(twice) == [
        "policy.yaml:39:5: flow crosses isolation ISO-1",
        "policy.yaml:39:5: flow crosses isolation ISO-3",
    ]


def test_every_problem_is_reported_in_file_order() -> None:
    broken = (
        POLICY.replace("version: 1", "version: 9")
        .replace("expires: 2026-12-15", "expires: soon")
        .replace("udp/53", "upd/53")
        .replace("    owner: ot@branch.example\n", "")
        .replace("claim: no-effect", "claim: none")
    )
    lines = [int(line.split(":")[1]) for line in refused(broken)]
    assert lines == sorted(lines) == [1, 4, 13, 55, 59]


def test_a_must_work_flow_alone_is_an_assertion() -> None:
    start, end = POLICY.index("isolation:"), POLICY.index("flows:")
    without = POLICY[:start] + POLICY[end : POLICY.index("exceptions:")]
    assert parsed(without).isolations == ()
    assert refused(without.replace("must_work: true", "must_work: false")) == [
        "policy.yaml:1:1: the policy asserts nothing"
    ]
