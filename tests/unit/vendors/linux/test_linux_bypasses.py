"""What carries packets past the routes and filters: each is a doubt, and so is not having asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig
from segaudit.parse import parse_device

Build = Callable[..., Device]
BuildRaw = Callable[..., RawConfig]
NOT_TOLD = {
    "tc-qdisc.json": "traffic control is taken to redirect and rewrite nothing",
    "ip-xfrm-policy.txt": "the device is taken to have no IPsec policies",
    "ip-mpls-route.json": "the device is taken to have no MPLS routes",
    "ip-mroute4.json": "the device is taken to have no IPv4 multicast routes",
    "ip-mroute6.json": "the device is taken to have no IPv6 multicast routes",
}
POLICY = """src 10.1.0.0/16 dst 10.2.0.0/16 
\tdir fwd priority 0 ptype main 
\ttmpl src 192.0.2.1 dst 192.0.2.2
\t\tproto esp reqid 1 mode tunnel
"""  # noqa: W291


def unbounded(device: Device, name: str) -> list[str]:
    return [line.reason for line in device.lines if not line.bounded and line.span.file.endswith(name)]


def ignored(device: Device, name: str) -> list[str]:
    return [
        line.reason
        for line in device.lines
        if line.fate == "ignored" and line.span.file.endswith(f"/{name}")
    ]


def qdisc(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "handle": "8001:", "dev": "eth1", "root": True, "options": {}} | more


# ---- traffic control ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["clsact", "ingress"])
def test_a_hook_is_a_doubt(linux: Build, kind: str) -> None:
    entry = {"kind": kind, "handle": "ffff:", "dev": "eth1", "parent": "ffff:fff1", "options": {}}
    device = linux({"tc-qdisc.json": [qdisc("noqueue", handle="0:"), entry]})
    assert unbounded(device, "tc-qdisc.json") == [
        f"filters of {kind} on eth1 may redirect or rewrite any packet"
    ]


@pytest.mark.parametrize("kind", ["htb", "prio", "fq_codel", "sfq", "cake", "red", "teql0", "bpf_fifo"])
@pytest.mark.parametrize("handle", ["8001:", "0:"])
def test_a_root_that_may_hold_filters_is_a_doubt(linux: Build, kind: str, handle: str) -> None:
    device = linux({"tc-qdisc.json": [qdisc(kind, handle=handle)]})
    assert unbounded(device, "tc-qdisc.json") == [
        f"{kind} on eth1 may hold filters that redirect or rewrite packets"
    ]


def test_a_root_whose_filters_were_listed_and_are_none_is_ignored(linux: Build) -> None:
    listing = {"tc-qdisc.json": [qdisc("fq_codel")], "tc-filter-eth1.json": "[ ]"}
    device = linux(listing)
    assert unbounded(device, "") == []
    assert ignored(device, "tc-qdisc.json") == ["fq_codel without filters only delays and drops"]


@pytest.mark.parametrize(
    ("kind", "listed", "status"),
    [
        ("fq_codel", [{"protocol": "all", "pref": 49152, "kind": "matchall", "chain": 0}], 0),
        ("fq_codel", "[ ]", 1),
        ("fq_codel", "Error: garbage", 0),
        ("htb", "[ ]", 0),
    ],
)
def test_a_root_that_may_have_filters_all_the_same_is_a_doubt(
    linux: Build, kind: str, listed: object, status: int
) -> None:
    files = {"tc-qdisc.json": [qdisc(kind)], "tc-filter-eth1.json": listed}
    device = linux(files, {"tc-filter-eth1.json": status})
    assert f"{kind} on eth1 may hold filters that redirect or rewrite packets" in unbounded(
        device, "tc-qdisc.json"
    )


@pytest.mark.parametrize("kind", ["noqueue", "pfifo_fast", "mq", "tbf", "fq", "netem"])
def test_what_takes_no_filters_is_ignored(linux: Build, kind: str) -> None:
    device = linux({"tc-qdisc.json": [qdisc(kind)]})
    assert unbounded(device, "") == []
    assert ignored(device, "tc-qdisc.json") == [f"{kind} without filters only delays and drops"]


def test_a_child_without_a_handle_cannot_be_given_filters(linux: Build) -> None:
    child = {"kind": "fq_codel", "dev": "eth1", "parent": "8001:1", "options": {}}
    harmless = linux({"tc-qdisc.json": [qdisc("mq"), child | {"handle": "0:"}]})
    assert unbounded(harmless, "") == []
    named = linux({"tc-qdisc.json": [qdisc("mq"), child | {"handle": "8002:"}]})
    assert len(unbounded(named, "tc-qdisc.json")) == 1
    untold = linux({"tc-qdisc.json": [qdisc("mq"), child]})
    assert len(unbounded(untold, "tc-qdisc.json")) == 1


def test_flipped_bits_are_a_doubt(linux: Build) -> None:
    entry = qdisc("netem", options={"corrupt": {"corrupt": 0.01, "correlation": 0}})
    device = linux({"tc-qdisc.json": [entry]})
    assert unbounded(device, "tc-qdisc.json") == ["netem on eth1 changes bits of packets"]


def test_an_entry_that_cannot_be_read_is_a_doubt(linux: Build) -> None:
    device = linux({"tc-qdisc.json": [{"dev": "eth1"}, qdisc("noqueue")]})
    assert unbounded(device, "tc-qdisc.json") == ["kind is not a word: None"]


# ---- IPsec --------------------------------------------------------------------------------------


def test_every_ipsec_policy_is_one_doubt(linux: Build) -> None:
    device = linux({"ip-xfrm-policy.txt": POLICY * 2})
    found = [line for line in device.lines if line.span.file.endswith("ip-xfrm-policy.txt")]
    assert [(line.span.first_line, line.span.last_line) for line in found] == [(1, 4), (5, 8)]
    assert {(line.fate, line.bounded, line.reason) for line in found} == {
        ("unsupported", False, "IPsec may carry packets past the routes and filters")
    }


@pytest.mark.parametrize("text", ["", "\n", "\x1b[?2004l\r\n"])
def test_no_policies_are_no_doubt(linux: Build, text: str) -> None:
    assert unbounded(linux({"ip-xfrm-policy.txt": text}), "") == []


@pytest.mark.parametrize(
    "text", ["what is this\n", "\tdir out\n", f"what is this\n{POLICY}", f"\tx\n{POLICY}"]
)
def test_other_text_is_unrecognized(linux: Build, text: str) -> None:
    device = linux({"ip-xfrm-policy.txt": text})
    first = next(line for line in device.lines if line.span.file.endswith("ip-xfrm-policy.txt"))
    assert (first.span.first_line, first.fate, first.bounded) == (1, "unrecognized", False)


# ---- MPLS and multicast -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ip-mpls-route.json", "ip-mroute4.json", "ip-mroute6.json"])
def test_every_route_of_another_kind_is_a_doubt(linux: Build, name: str) -> None:
    device = linux({name: [{"dst": 100, "dev": "eth1"}, {"dst": 101, "dev": "eth1"}]})
    assert len([line for line in device.lines if line.span.file.endswith(name) and not line.bounded]) == 2
    assert unbounded(linux({name: "[ ]\n"}), "") == []
    assert unbounded(linux({name: ""}), "") == []


# ---- not told -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "assumed"), NOT_TOLD.items())
def test_a_listing_that_was_not_collected_is_an_assumption(linux: Build, name: str, assumed: str) -> None:
    assert unbounded(linux({name: None}), "") == [f"{name} was not collected: {assumed}"]


@pytest.mark.parametrize(("name", "assumed"), NOT_TOLD.items())
@pytest.mark.parametrize(
    ("status", "text"),
    [
        (127, "bash: line 1: tc: command not found\n"),
        (127, ""),
        (1, "RTNETLINK answers: Operation not permitted\nDump terminated\n"),
        (255, 'Object "mroute" is unknown, try "ip help".\n'),
        (1, ""),
        (1, "Terminated; RTNETLINK answers: Operation not supported\n"),
    ],
)
def test_a_command_that_failed_told_nothing(
    linux: Build, name: str, assumed: str, status: int, text: str
) -> None:
    device = linux({name: text}, {name: status})
    assert unbounded(device, "") == [f"{name} was not collected: {assumed}"]
    assert len(ignored(device, name)) == (1 if text else 0)


@pytest.mark.parametrize("name", NOT_TOLD)
@pytest.mark.parametrize("status", [1, 2, None])
@pytest.mark.parametrize(
    "text",
    [
        "RTNETLINK answers: Operation not supported\nDump terminated\n",
        "Cannot open netlink socket: Protocol not supported\n",
        "\x1b[?2004lRTNETLINK answers: Address family not supported by protocol\r\n",
    ],
)
def test_a_kernel_without_the_table_has_nothing_in_it(
    linux: Build, name: str, status: int | None, text: str
) -> None:
    device = linux({name: text}, {name: status} if status else {name: None})
    assert unbounded(device, "") == []
    (reason,) = ignored(device, name)
    assert reason.startswith("the kernel has no such table: ")


def test_the_kernels_answer_is_not_taken_from_a_command_that_succeeded(linux: Build) -> None:
    device = linux({"ip-xfrm-policy.txt": "RTNETLINK answers: Operation not supported\n"})
    assert unbounded(device, "") == ["not a line of ip xfrm policy"]


@pytest.mark.parametrize("name", [name for name in NOT_TOLD if name.endswith(".json")])
def test_garbage_is_a_doubt(linux: Build, name: str) -> None:
    device = linux({name: "[ {"})
    assert len(unbounded(device, name)) == 1
    assert unbounded(device, "ip-link.json") == [f"{name} was not collected: {NOT_TOLD[name]}"]


@pytest.mark.parametrize("name", [*NOT_TOLD, "ip-route4.json", "ip-rule6.json"])
def test_an_interrupted_listing_is_a_doubt(linux_raw: BuildRaw, name: str) -> None:
    raw = linux_raw()
    warned = tuple(
        replace(file, stderr="Dump was interrupted and may be inconsistent.\n")
        if file.name == name
        else file
        for file in raw.files
    )
    device = parse_device(replace(raw, files=warned))
    assert unbounded(device, name) == ["the table changed while it was listed: entries may be missing"]
