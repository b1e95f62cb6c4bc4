"""Crypto maps, tunnel groups and whatever lets VPN users in."""

from __future__ import annotations

from segaudit.parse.cisco.fates import FACT, NOT_UNDERSTOOD, Fate, ignored
from segaudit.parse.cisco.numbers import decimal
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa.records import Config, CryptoEntry

_REMOTE = frozenset({"remote-access", "webvpn", "ipsec-ra"})


def crypto_line(config: Config, words: Words) -> Fate | None:
    """``crypto map|dynamic-map ...``; ``None`` for every other ``crypto`` command."""
    if words.accept("crypto", "dynamic-map"):
        return FACT  # whatever it says, its peers are anybody
    if words.accept("crypto", "map"):
        return _crypto_map(config, words)
    return None


def _crypto_map(config: Config, words: Words) -> Fate:
    """``crypto map NAME SEQ {match address ACL | set peer A...| ipsec-isakmp dynamic X}``.

    ``crypto map NAME interface NAMEIF`` applies it.
    """
    name = words.take()
    if words.negated:
        return NOT_UNDERSTOOD
    if words.accept("interface"):
        config.crypto_interfaces.append((name, words.take(), words.span))
        return FACT
    sequence = decimal(words.peek(), 65535)
    if sequence is None:
        return NOT_UNDERSTOOD if words.peek()[:1].isdigit() else ignored("how VPN peers agree")
    words.take()
    key = (name, sequence)
    entry = config.crypto.setdefault(key, CryptoEntry(*key, words.span))
    return _entry_line(entry, words)


def _entry_line(entry: CryptoEntry, words: Words) -> Fate:
    if words.accept("match", "address"):
        entry.acl = words.take()
    elif words.accept("set", "peer"):
        while not words.done:
            entry.peers.append(words.take())
    elif words.accept("ipsec-isakmp", "dynamic"):
        entry.dynamic = words.take()
    elif words.accept("set") or words.accept("ipsec-isakmp"):
        return ignored("how VPN peers agree")
    else:
        return NOT_UNDERSTOOD
    return FACT


def tunnel_group_line(config: Config, words: Words) -> Fate:
    """``tunnel-group NAME type {ipsec-l2l|remote-access|webvpn}``, ``tunnel-group NAME ...-attributes``."""
    words.take()
    words.take()
    if words.accept("type") and words.peek() in _REMOTE and not words.negated:
        config.remote_access.append(words.span)
        return FACT
    return ignored("how VPN users and peers log in")


def group_policy_line(config: Config, words: Words) -> Fate:
    """``group-policy NAME {internal|external|attributes}``."""
    del config, words
    return ignored("what VPN users get; where they may go counts as anywhere")
