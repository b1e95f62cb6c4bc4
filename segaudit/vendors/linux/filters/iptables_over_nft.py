"""Whether iptables-save tells the truth about a table of nftables.

iptables 1.8.9 over nft prints every table with the names of its own, and prints what it cannot
express wrongly and without a word: ``ip saddr @s drop`` becomes ``-j DROP``, ``ip saddr
10.0.0.1-10.0.0.9 drop`` becomes ``-s 10.0.0.9/32 -j DROP`` (seen on 1.8.9). So its text speaks for a
table only where nft shows rule for rule nothing but what iptables itself writes.
"""

from __future__ import annotations

from collections import Counter

from segaudit.vendors.linux.filters.iptables_save import IptablesTable
from segaudit.vendors.linux.filters.nft_nouns import Json, NftRule, NftTable

_STATEMENTS = frozenset({"counter", "accept", "drop", "return", "jump", "goto", "xt", "log", "limit"})
_KEYS = frozenset(
    {("ip", "saddr"), ("ip", "daddr"), ("ip6", "saddr"), ("ip6", "daddr"), ("ip", "protocol")}
)
_PORTS = frozenset({("tcp", "sport"), ("tcp", "dport"), ("udp", "sport"), ("udp", "dport")})
_META = frozenset({"iifname", "oifname", "l4proto", "mark"})


def speaks_for(saved: IptablesTable, table: NftTable) -> bool:
    """True where the text of ``saved`` holds the rules and policies of ``table``, in iptables' forms.

    A rule with an ``xt`` part was written by iptables: nothing else makes those.
    """
    counted = Counter(rule.chain for rule in saved.rules) == Counter(rule.chain for rule in table.rules)
    named = {chain.name for chain in table.chains} <= set(saved.chains)
    dropping = {name for name, (policy, _) in saved.chains.items() if policy == "DROP"}
    agreed = dropping == {chain.name for chain in table.chains if chain.drops_by_default}
    return counted and named and agreed and not table.sets and all(map(_written_by_iptables, table.rules))


def _written_by_iptables(rule: NftRule) -> bool:
    statements = [each for each in rule.expressions if isinstance(each, dict) and len(each) == 1]
    if len(statements) != len(rule.expressions):
        return False
    return all(
        _plain_match(body) if name == "match" else name in _STATEMENTS
        for statement in statements
        for name, body in statement.items()
    )


def _plain_match(body: Json) -> bool:
    """A comparison with one value, as ``-s``, ``-i``, ``-p``, ``--dport`` and ``--mark`` make it.

    A range of ports that is open at one end is compared with the other (``--dport 1024:``), and flags that
    all are wanted off or on are listed as bits (``--tcp-flags SYN,ACK NONE``).
    """
    if not isinstance(body, dict):
        return False
    operator, right = body.get("op"), body.get("right")
    single = isinstance(right, str | int) and not str(right).startswith("@")
    match operator, body.get("left"):
        case "<" | ">" | "<=" | ">=", {"payload": {"protocol": str(protocol), "field": str(field)}}:
            # ``< 1`` is printed as 0:1, ``> 65535`` as 65535 (seen on 1.8.9)
            return (protocol, field) in _PORTS and isinstance(right, int) and 1 < right < 65535
        case "in" | "!", {"payload": {"protocol": "tcp", "field": "flags"}}:
            return isinstance(right, str | list)
        case str() if operator not in ("==", "!="):
            return False
    match body.get("left"):
        case {"payload": {"protocol": str(protocol), "field": str(field)}}:
            if (protocol, field) in _PORTS:
                return single or (isinstance(right, dict) and set(right) == {"range"})
            prefix = isinstance(right, dict) and set(right) == {"prefix"}
            return (protocol, field) in _KEYS and (single or prefix)
        case {"meta": {"key": str(key)}}:
            return key in _META and single
        case {"&": [{"payload": {"protocol": "ip" | "ip6", "field": "saddr" | "daddr"}}, str()]}:
            return single
        case {"&": [{"payload": {"protocol": "ip", "field": "frag-off"}}, 8191]}:
            return right == 0
        case {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, _]} | {
            "&": [{"meta": {"key": "mark"}}, _]
        }:
            return True
        case _:
            return False
