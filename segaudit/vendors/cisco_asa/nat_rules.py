"""NAT rules as the ASA orders them.

Grammar (Firewall CLI Configuration Guide 9.x, "Network Address Translation")::

    object = [(REAL,MAPPED)] dynamic {MAPPED [interface] | pat-pool MAPPED flag* [interface] | interface}
           | [(REAL,MAPPED)] static {MAPPED | interface} [service PROTOCOL PORT PORT] flag*
    twice  = [(REAL,MAPPED)] [LINE] [after-auto [LINE]] source {static | dynamic} REAL mapped
             [destination static {MAPPED | interface} REAL] [service S S] flag* [description TEXT]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from segaudit.model.source import SourceSpan
from segaudit.parse.cisco.words import Words
from segaudit.vendors.cisco_asa.objects import EVERY, Addresses, Objects
from segaudit.vendors.cisco_asa.records import Config, NatLine
from segaudit.vendors.cisco_asa.services import ports

_PAIR = re.compile(r"\(([^,()\s]+),([^,()\s]+)\)")
_FLAGS = frozenset(
    {"dns", "no-proxy-arp", "route-lookup", "unidirectional", "inactive", "net-to-net", "round-robin",
     "extended", "flat", "include-reserve", "block-allocation", "ipv6"}
)  # fmt: skip
_ANY = {"any": EVERY, "any4": Addresses(four=EVERY.four), "any6": Addresses(six=EVERY.six)}


@dataclass(frozen=True, slots=True)
class PortMap:
    """``service tcp 80 8080``: the port of the real address, and the one it is known by."""

    protocol: str
    real: int
    mapped: int


@dataclass(slots=True)
class NatRule:
    """One rule. ``mapped`` with ``to_interface`` are the addresses of the mapped interface, or also those.

    ``seen`` and ``meant`` are what a destination is called and what it is; ``None``: not asked for.
    ``section`` is 1 (before), 2 (objects) or 3 (after). ``problem`` says what was not understood.
    """

    text: str
    span: SourceSpan
    section: int
    real_if: str = "any"
    mapped_if: str = "any"
    static: bool = False
    real: Addresses = EVERY
    mapped: Addresses = field(default_factory=Addresses)
    to_interface: bool = False
    seen: Addresses | None = None
    meant: Addresses | None = None
    seen_at_interface: bool = False
    port: PortMap | None = None
    services: bool = False
    flags: frozenset[str] = frozenset()
    problem: str = ""

    @property
    def identity(self) -> bool:
        """The source stays as it is."""
        return self.static and not self.to_interface and self.real == self.mapped

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why its addresses are not all known."""
        ends = (self.real, self.mapped, self.seen, self.meant)
        return tuple(dict.fromkeys(why for end in ends if end is not None for why in end.unknown))

    @property
    def keeps_destination(self) -> bool:
        """The destination stays as it is."""
        return not self.seen_at_interface and self.seen == self.meant


def ordered(config: Config, objects: Objects) -> list[NatRule]:
    """The rules that are active, in the order in which the ASA tries them ("NAT Rule Order")."""
    found = [_rule(line, objects, config) for line in config.nat]
    named = {id(rule): line.object for rule, line in zip(found, config.nat, strict=True)}
    first = [rule for rule in found if rule.section == 1]
    last = [rule for rule in found if rule.section == 3]
    own = sorted(
        (rule for rule in found if rule.section == 2),
        key=lambda rule: (not rule.static, rule.real.size, rule.real.four, rule.real.six, named[id(rule)]),
    )
    return [rule for rule in (*first, *own, *last) if "inactive" not in rule.flags]


def _rule(line: NatLine, objects: Objects, config: Config) -> NatRule:
    words = Words(list(line.words), line.span)
    rule = NatRule(line.text, line.span, 2 if line.object else 1)
    pair = _PAIR.fullmatch(words.peek())
    if pair is not None:
        rule.real_if, rule.mapped_if = pair.groups()
        words.take()
    reader = _Reader(words, objects, rule)
    if line.object:
        rule.real = objects.network(line.object)
        reader.object()
    else:
        reader.twice()
    named = config.by_nameif()
    for nameif in (rule.real_if, rule.mapped_if):
        if nameif != "any" and nameif not in named:
            rule.problem = rule.problem or f"there is no interface {nameif}"
    return rule


class _Reader:
    """The words of one rule, read into it."""

    def __init__(self, words: Words, objects: Objects, rule: NatRule) -> None:
        self._words = words
        self._objects = objects
        self._rule = rule

    def object(self) -> None:
        """A rule of an object's own."""
        self._kind()
        self._mapped()
        self._rest()

    def twice(self) -> None:
        """A rule that names both ends."""
        self._number()
        if self._words.accept("after-auto"):
            self._rule.section = 3
            self._number()
        if not self._words.accept("source"):
            self._fail()
            return
        self._kind()
        self._rule.real = self._addresses()
        self._mapped()
        if self._words.accept("destination", "static"):
            self._destination()
        self._rest()

    def _number(self) -> None:
        if self._words.peek().isdecimal():
            self._words.take()

    def _kind(self) -> None:
        kind = self._words.take()
        self._rule.static = kind == "static"
        if kind not in ("static", "dynamic"):
            self._fail()

    def _mapped(self) -> None:
        rule, words = self._rule, self._words
        if words.accept("interface"):
            rule.to_interface = True
        else:
            words.accept("pat-pool")
            rule.mapped = self._addresses()
        while words.peek() in ("pat-pool", "interface", *_FLAGS):
            if words.accept("pat-pool"):
                rule.mapped |= self._addresses()
            elif words.accept("interface"):
                rule.to_interface = True
            else:
                rule.flags |= {words.take()}

    def _addresses(self) -> Addresses:
        """An object, a group, an address, or ``any``."""
        word = self._words.take()
        if word in _ANY:
            return _ANY[word]
        if self._objects.has_network(word):
            return self._objects.network(word)
        if self._objects.number(word) is not None:
            return self._sized(self._objects.spec(("host", word)))
        found = self._objects.spec((word,))
        return found if not found.unknown else Addresses(unknown=(f"{word} (not in the configuration)",))

    def _sized(self, host: Addresses) -> Addresses:
        """An address in a static rule of an object stands for as many as the object has."""
        rule = self._rule
        several = rule.static and rule.section == 2 and rule.real.size > 1
        if not several or host.six or rule.real.six or len(rule.real.four) != 1:
            return Addresses(unknown=("as many addresses as the object has",)) if several else host
        span = rule.real.size - 1
        aligned = span & (span + 1) == 0
        first = host.four[0][0] & ~span if aligned else host.four[0][0]
        return Addresses(four=((first, first + span),))

    def _destination(self) -> None:
        rule = self._rule
        if self._words.accept("interface"):
            rule.seen_at_interface = True
            self._words.accept("ipv6")
            rule.seen = Addresses()
        else:
            rule.seen = self._addresses()
        rule.meant = self._addresses()

    def _rest(self) -> None:
        rule, words = self._rule, self._words
        while not words.done:
            if words.peek() in _FLAGS:
                rule.flags |= {words.take()}
            elif words.accept("service"):
                self._service()
            elif words.accept("description"):
                words.rest()
            else:
                self._fail()
                return

    def _service(self) -> None:
        """``service PROTOCOL REAL MAPPED`` of an object, ``service OBJECT OBJECT`` of a twice rule."""
        if self._rule.section != 2:
            self._rule.services = True
            self._words.take()
            self._words.take()
            return
        protocol = self._words.take()
        numbers = [self._port(protocol, self._words.take()) for _ in range(2)]
        if protocol not in ("tcp", "udp", "sctp") or None in numbers:
            self._rule.services = True
            return
        self._rule.port = PortMap(protocol, numbers[0] or 0, numbers[1] or 0)

    @staticmethod
    def _port(protocol: str, word: str) -> int | None:
        found = ports(Words(["eq", word], SourceSpan("", 0, 0)), protocol)
        return found[0][0] if found else None

    def _fail(self) -> None:
        self._rule.problem = f"not understood: {self._words.rest() or 'it ends too early'}"


def crosses_families(rule: NatRule) -> bool:
    """True where IPv4 may become IPv6 or the other way round."""
    if "ipv6" in rule.flags and rule.real.four and rule.real != EVERY:
        return True
    pairs = ((rule.real, rule.mapped), (rule.seen or Addresses(), rule.meant or Addresses()))
    return any(_families(one) != _families(other) for one, other in pairs if _both_known(one, other))


def _families(one: Addresses) -> tuple[bool, bool]:
    return bool(one.four), bool(one.six)


def _both_known(one: Addresses, other: Addresses) -> bool:
    """``any`` means the family of what stands beside it."""
    return EVERY not in (one, other) and one.size > 0 and other.size > 0
