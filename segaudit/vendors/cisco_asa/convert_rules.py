"""Access lists to the neutral ``Acl``; every rule's line gets its fate here."""

from __future__ import annotations

from collections.abc import Iterator

from segaudit.model.acl import (
    Ace,
    Acl,
    AddressIn,
    AnyOf,
    End,
    Forwarding,
    Matches,
    Return,
    UnknownAction,
    UnknownMatch,
    leaves,
)
from segaudit.model.flow import Family
from segaudit.parse.cisco import acl as rules
from segaudit.parse.cisco import fates
from segaudit.parse.cisco.dialect import Dialect
from segaudit.parse.cisco.fates import FACT, Fate, unrecognized, unsupported
from segaudit.parse.cisco.words import Words
from segaudit.parse.ledger import LineLedger
from segaudit.vendors.cisco_asa.dialect import ASA
from segaudit.vendors.cisco_asa.objects import Objects
from segaudit.vendors.cisco_asa.records import Config, Line

_WHO = {
    "user": 2, "user-group": 2, "object-group-user": 2, "object-group-security": 2, "security-group": 3,
}  # fmt: skip
"""What may stand before an address and asks for a user or a tag, and how many words it takes."""


class Rules:
    """The access lists of one configuration.

    Args:
        config: the records.
        objects: what names stand for.
        ledger: where the fates of the rules' lines go.
    """

    def __init__(self, config: Config, objects: Objects, ledger: LineLedger) -> None:
        self._config = config
        self._objects = objects
        self._ledger = ledger
        self.acls = {
            name: Acl(name, tuple(self._aces(lines)), Return()) for name, lines in config.acls.items()
        }

    def named(self, name: str) -> str:
        """The name of an applied list.

        One that is not in the configuration, or is empty, may permit anything: the ASA takes no such
        ``access-group``, so the configuration is not whole.
        """
        known = self.acls.get(name)
        if known is None or not known.aces:
            unknown = UnknownMatch(name, "the list is not in the configuration")
            self.acls[name] = Acl(name, (Ace(unknown, Forwarding.ACCEPT, text=name),), Return())
        return name

    def _aces(self, lines: list[Line]) -> Iterator[Ace]:
        for line in lines:
            reading = rules.read_ace(
                Words(list(line.words), line.span), ASA, None, self._objects, self._address
            )
            if reading.action is None:
                action = UnknownAction(line.text)
                yield Ace(UnknownMatch(line.text, "not understood"), action, line.span, line.text)
                fates.note(self._ledger, line.span, unrecognized())
                continue
            fates.note(self._ledger, line.span, _fate(reading))
            if not reading.inactive:
                yield Ace(reading.matches, reading.action, line.span, line.text)

    def _address(
        self, words: Words, end: End, family: Family | None, dialect: Dialect, named: rules.Named
    ) -> Matches | None:
        """An address; before it perhaps a user or a tag."""
        parts: list[Matches] = []
        while words.peek() in _WHO:
            text = " ".join(words.take() for _ in range(_WHO[words.peek()]))
            parts.append(UnknownMatch(text, "users and tags are not in the configuration"))
        if words.peek() == "interface":
            words.take()
            found: Matches | None = self._interface(words.take(), end)
        else:
            self._spell_out(words)
            found = rules.address_spec(words, end, family, dialect, named)
        if found is None or not parts:
            return found
        return rules.conjunction([found, *parts])

    def _spell_out(self, words: Words) -> None:
        """Put the address in place of a word that a ``name`` command made."""
        if not self._config.names:
            return
        at = words.position + (words.peek() == "host")
        if at < len(words.words):
            words.words[at] = self._config.names.get(words.words[at], words.words[at])

    def _interface(self, nameif: str, end: End) -> Matches:
        """``interface NAMEIF``: the address that the interface has."""
        one = self._config.by_nameif().get(nameif)
        if one is None or one.learned or not one.addresses:
            return UnknownMatch(f"interface {nameif}", "its address is not in the configuration")
        return AnyOf(
            tuple(
                AddressIn(end, address.family, ((address.address, address.address),))
                for address in one.addresses
            )
        )


def _fate(reading: rules.AceReading) -> Fate:
    """A rule whose match is not known whole goes through the may/must bounds."""
    if reading.unread:
        return unrecognized(f"not understood: {reading.unread}", bounded=True)
    if reading.inactive:
        return FACT
    unknown = [leaf for leaf in leaves(reading.matches) if isinstance(leaf, UnknownMatch)]
    if not unknown:
        return FACT
    reasons = dict.fromkeys(f"{leaf.text}: {leaf.reason}" for leaf in unknown)
    return unsupported("; ".join(reasons), bounded=True)
