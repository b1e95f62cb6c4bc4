"""iptables rulesets of others, and damaged ones: read whole, agree with proofs, never lose a permit."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segaudit.model.acl import Hook
from segaudit.model.flow import ConnectionState, Family, Flow
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.vendors.linux.filters import FilterFacts, read_filters

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", ROOT.parent / "shared" / "corpora"))
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no corpora (SEGAUDIT_CORPORA={CORPORA})")

_SPEC = importlib.util.spec_from_file_location(
    "first_match", ROOT / "tests" / "unit" / "vendors" / "linux_filters" / "first_match.py"
)
assert _SPEC and _SPEC.loader
first_match: Any = sys.modules.get("first_match") or importlib.util.module_from_spec(_SPEC)
if "first_match" not in sys.modules:
    sys.modules["first_match"] = first_match
    _SPEC.loader.exec_module(first_match)

NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1}


def read(text: str, name: str = "iptables-save.txt") -> FilterFacts:
    return read_filters(RawConfig("d", "linux", (RawFile(f"devices/d/{name}", text, ""),)))


def interfaces() -> dict[str, str]:
    """Input interface by source address, as the factory network's own mapping gives it."""
    text = (CORPORA / "iptables_semantics/rulesets/topoS_generated/ipmapping").read_text()
    pairs = [line.removeprefix("$").split("_ipv4 = ") for line in text.splitlines() if "_ipv4 = " in line]
    return {address: name for name, address in pairs}


@pytest.mark.corpora
@needs_corpora
@pytest.mark.parametrize(
    "case", ["contrived.tcp22.new", "factory.tcp22.established", "factory.tcp80.new"]
    + [f"parser_test.{name}" for name in ("tcp22.new", "tcp80.new")],
)  # fmt: skip
def test_agrees_with_proved_service_matrices(case: str) -> None:
    """What Isabelle proved may connect may pass here, and nothing else of those packets."""
    truth = json.loads((CORPORA / f"iptables_semantics/{case}.json").read_text())
    ruleset = truth["ruleset"].split("Examples/")[1]
    facts = read((CORPORA / "iptables_semantics/rulesets" / ruleset).read_text())
    names = interfaces() if case.startswith("factory") else {}
    filters = [each for each in facts.attachments if " filter " in each.acl]
    any_interface = case.startswith(
        "contrived"
    )  # its interfaces are in the proof alone: more may pass here
    wrong = []
    for packet in truth["packets"]:
        flow = Flow(
            Family.IPV4,
            NUMBERS[packet["proto"]],
            int(ip_address(packet["src"])),
            int(ip_address(packet["dst"])),
            packet.get("sport", 0),
            packet.get("dport", 0),
            tcp_flags=2,
        )
        state = frozenset({ConnectionState(packet["state"].lower())})
        at = first_match.At(flow, names.get(packet["src"]), None, state)
        may = True in first_match.passes(facts.acls, filters, Hook.FORWARD, at)
        if may != (packet["expect"] == "ACCEPT") and not (may and any_interface):
            wrong.append(packet)
    assert truth["packets"] and not wrong


@pytest.mark.corpora
@needs_corpora
def test_most_lines_of_rulesets_are_understood() -> None:
    """iptables_semantics: every file as the programs print it reads, and 9 of 10 lines are facts."""
    counts = [0, 0, 0]
    for path in sorted((CORPORA / "iptables_semantics/rulesets").rglob("*")):
        if not path.is_file() or path.name == "ipmapping":
            continue
        facts = read(path.read_text(), "ip6tables-save.txt" if "ip6" in path.name else "iptables-save.txt")
        assert facts.acls and not facts.unknown_translation, path
        (tally,) = facts.tallies
        counts = [
            counts[0] + tally.fact + tally.ignored,
            counts[1] + tally.unsupported,
            counts[2] + tally.total,
        ]
    assert counts[0] / counts[2] > 0.9, counts


def corpus_rules() -> list[tuple[Path, str]]:
    """Rules that netfilter's own tests of iptables extensions accept, with the file they come from."""
    found = []
    for path in sorted((CORPORA / "netfilter_tests/iptables_t").glob("lib*t_*.t")):
        if path.name.startswith(("libarpt", "libebt")):
            continue
        for line in path.read_text().splitlines():
            rule, _, rest = line.partition(";")
            canonical, _, fate = rest.partition(";")
            if fate.startswith("OK") and not line.startswith(("#", ":", "*", "@", "%")):
                found.append((path, rule if canonical in ("=", "") else canonical))
    return found


@pytest.mark.corpora
@needs_corpora
def test_every_extension_rule_reads_and_none_is_lost() -> None:
    """A rule of any extension becomes one entry, and one that is not understood may do either."""
    rules = corpus_rules()
    assert len(rules) > 500
    for path, rule in rules:
        name = "ip6tables-save.txt" if path.name.startswith("libip6t") else "iptables-save.txt"
        facts = read(f"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {rule}\nCOMMIT\n", name)
        (acl,) = facts.acls.values()
        assert len(acl.aces) == 1, (path.name, rule)
        (tally,) = facts.tallies
        assert tally.total == 4 and tally.unrecognized == 0, (path.name, rule)


NAMES = st.sampled_from(
    ["-s 10.0.0.1", "! -d 10.0.0.0/8", "-p tcp", "-i eth0", "-m x", "--y 1", "-j ACCEPT", '"', "!"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(NAMES, st.text(max_size=12)), max_size=8))
def test_any_rule_text_reads_or_makes_the_device_doubtful(words: list[str]) -> None:
    """No text is skipped in silence: each line is accounted for, and what is no rule is unbounded."""
    text = f"*filter\n:FORWARD DROP [0:0]\n-A FORWARD {' '.join(words)}\nCOMMIT\n"
    facts = read(text)
    lines = [line for line in text.split("\n") if line.strip()]
    assert sum(tally.total for tally in facts.tallies) == len(lines)
    if not facts.acls:
        assert facts.unknown_translation and any(not line.bounded for line in facts.lines)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_cut_json_never_gives_filters(data: st.DataObject) -> None:
    """A ruleset cut anywhere is not JSON, so nothing counts as dropped."""
    chain = '{"chain":{"family":"inet","table":"t","name":"c","handle":1,"type":"filter","hook":"forward",'
    text = '{"nftables":[{"table":{"family":"inet","name":"t"}},' + chain + '"prio":0,"policy":"drop"}}]}'
    end = data.draw(st.integers(0, len(text) - 1))
    facts = read(text[:end], "nftables.json")
    assert facts.acls == {} and facts.unknown_translation


WORDS = st.sampled_from(
    ["match", "left", "right", "op", "payload", "meta", "ct", "key", "set", "vmap", "data", "dnat", "addr",
     "protocol", "field", "concat", "range", "prefix", "map", "elem", "val", "accept", "jump", "target",
     "mangle", "value", "&", "|", "xt", "reject", "type", "family", "port"]
)  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.sampled_from(["tcp", "10.0.0.1", "@s", "*", "new"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        {"payload": {"protocol": "ip", "field": "saddr"}},
        {"payload": {"protocol": "tcp", "field": "dport"}},
        {"payload": {"protocol": "tcp", "field": "flags"}},
        {"payload": {"protocol": "ip", "field": "frag-off"}},
        {"payload": {"protocol": "ip6", "field": "nexthdr"}},
        {"payload": {"protocol": "th", "field": "sport"}},
        {"meta": {"key": "iifname"}},
        {"meta": {"key": "l4proto"}},
        {"ct": {"key": "state"}},
    ]
)
OPERATORS = st.sampled_from(["==", "!=", "in", "!", "<", ">=", "new"])
NAMES_OF_STATEMENTS = st.sampled_from(["match", "vmap", "dnat", "snat", "mangle", "set", "jump"])
PAIRS = st.lists(st.tuples(JSON, JSON), max_size=3)
STATEMENTS = st.one_of(
    st.builds(
        lambda op, key, right: {"match": {"op": op, "left": key, "right": right}}, OPERATORS, KEYS, JSON
    ),
    st.builds(
        lambda key, mask: {"match": {"op": "==", "left": {"&": [key, mask]}, "right": mask}}, KEYS, JSON
    ),
    st.builds(lambda key, pairs: {"vmap": {"key": key, "data": {"set": pairs}}}, KEYS, PAIRS),
    st.builds(lambda name, inner: {name: inner}, NAMES_OF_STATEMENTS, JSON),
    st.builds(lambda addr, family: {"dnat": {"addr": addr, "family": family}}, JSON, JSON),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(JSON, STATEMENTS), max_size=4))
def test_any_json_in_a_rule_reads(expressions: list[Any]) -> None:
    """Statements of shapes nobody has seen neither crash the reader nor vanish."""
    place = {"family": "inet", "table": "t"}
    objects: list[Any] = [
        {"table": {"family": "inet", "name": "t"}},
        {"chain": {**place, "name": "c", "handle": 1, "type": "filter", "hook": "forward", "prio": 0}},
        {"rule": {**place, "chain": "c", "handle": 2, "expr": [*expressions, {"drop": None}]}},
    ]
    facts = read(json.dumps({"nftables": objects}), "nftables.json")
    assert facts.acls["nft inet t c"].aces


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000))
def test_same_text_same_facts(seed: int) -> None:
    dice = random.Random(seed)
    rules = [
        f"-A FORWARD -s 10.{dice.randrange(9)}.0.0/16 -j {dice.choice(('ACCEPT', 'DROP'))}"
        for _ in range(5)
    ]
    text = "*filter\n:FORWARD DROP [0:0]\n" + "\n".join(rules) + "\nCOMMIT\n"
    assert read(text) == read(text)
