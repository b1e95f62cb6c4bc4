"""One virtual domain with its objects: what policies, translations and local-in policies are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from segaudit.model.acl import AllOf, AnyPacket, Direction, InterfaceIn, Matches, Not, UnknownMatch
from segaudit.parse.edit_tree import Entry
from segaudit.vendors.fortinet_fortios.addresses import Addresses
from segaudit.vendors.fortinet_fortios.interfaces import Interfaces
from segaudit.vendors.fortinet_fortios.reading import Reading
from segaudit.vendors.fortinet_fortios.services import Services

ANY = "any"
_WEEK = frozenset({"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"})
_MIDNIGHT = "00:00"


@dataclass(frozen=True, slots=True)
class Domain:
    """A virtual domain: its configuration, the device's interfaces, and its objects."""

    name: str
    reading: Reading
    found: Interfaces
    addresses: Addresses
    services: Services

    @property
    def ports(self) -> list[str]:
        """The names of its interfaces."""
        return self.found.of_vdom(self.name)

    @property
    def is_central_nat(self) -> bool:
        """True where tables of their own translate, and not the policies."""
        return self.reading.settings(self.name, "system settings").is_on("central-nat")

    def names(self, path: str) -> dict[str, Entry]:
        """A table of this virtual domain."""
        return self.reading.table(self.name, path)

    def interfaces(self, names: Iterable[str], direction: Direction) -> Matches:
        """Packets by input or output interface; a zone means its members, ``any`` every one."""
        exact: list[str] = []
        given = tuple(names)
        if not given:
            return UnknownMatch("interface", "no interface is given")
        for name in given:
            if name == ANY:
                return AnyPacket()
            members = self.found.members(self.name, name)
            if members is None or any("*" in member or "?" in member for member in members):
                return UnknownMatch(name, "an interface that is not defined")
            exact += members
        return InterfaceIn(direction, tuple(sorted(set(exact))))

    def output_ports(self, names: Iterable[str]) -> list[str]:
        """The interfaces meant by names, ``any`` excepted; empty where they are not all known."""
        found: list[str] = []
        for name in names:
            members = self.found.members(self.name, name)
            if name == ANY or members is None:
                return []
            found += members
        return sorted({name for name in found if name in self.found.by_name})

    def schedule(self, entry: Entry) -> Iterator[Matches]:
        """Nothing where a schedule is always in force, else a match that is not modelled."""
        name = entry.word("schedule", "always")
        recurring = self.names("firewall schedule recurring").get(name)
        if recurring is None:
            if name != "always":
                yield UnknownMatch(name, "a schedule")
        elif not _is_always(recurring):
            yield UnknownMatch(name, "a schedule")


def _is_always(schedule: Entry) -> bool:
    whole_day = schedule.word("start", _MIDNIGHT) == schedule.word("end", _MIDNIGHT) == _MIDNIGHT
    return whole_day and set(schedule.words("day")) >= _WEEK


def negated(matches: Matches, entry: Entry, key: str) -> Matches:
    """The opposite where ``key`` is enabled."""
    return Not(matches) if entry.is_on(key) else matches


def all_of(parts: Iterable[Matches]) -> Matches:
    """One match for all; what is always true is left out."""
    kept = tuple(part for part in parts if not isinstance(part, AnyPacket))
    if not kept:
        return AnyPacket()
    return kept[0] if len(kept) == 1 else AllOf(kept)
