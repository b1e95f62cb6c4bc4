"""``applications``: what a policy's application matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from segaudit.model.acl import AllOf, AnyOf, AnyPacket, Field, FieldIn, Matches, UnknownMatch
from segaudit.parse.word_tree import Node
from segaudit.vendors.juniper_junos import words
from segaudit.vendors.juniper_junos.predefined import APPLICATIONS, GATEWAYS, SETS, WITH_GATEWAY, Service
from segaudit.vendors.juniper_junos.reading import Reading

_HARMLESS = frozenset(("inactivity-timeout", "description", "alg", "application-protocol", "ether-type"))
_SINGLE = frozenset(
    (
        "protocol", "source-port", "destination-port", "icmp-type", "icmp-code", "icmp6-type", "icmp6-code",
        "inactivity-timeout", "alg", "application-protocol", "rpc-program-number", "uuid", "description",
        "ether-type", "do-not-translate-A-query-to-AAAA-query", "do-not-translate-AAAA-query-to-A-query",
    )
)  # fmt: skip
_DEEPEST = 8


class Applications:
    """The applications and sets of a device, its own before the predefined ones."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        top = reading.root.get("applications")
        reading.fact(top)
        self._own: dict[str, Matches] = {}
        self._sets: dict[str, tuple[str, ...]] = dict(SETS)
        self._found: dict[str, Matches] = {}
        for node in top or ():
            reading.fact(node)
        for node in reading.root.under("applications", "application"):
            self._own[node.word] = _application(reading, node)
        for node in reading.root.under("applications", "application-set"):
            self._sets[node.word] = _members(reading, node)

    def match(self, name: str) -> Matches:
        """What an application or a set matches; one that is not known may match anything."""
        if name not in self._found:
            self._found[name] = self._match(name, 0)
        return self._found[name]

    def _match(self, name: str, depth: int) -> Matches:
        if name in ("any", "junos-any"):
            return AnyPacket()
        if name in self._own:
            return self._own[name]
        if name in self._sets and depth < _DEEPEST:
            return AnyOf(tuple(self._match(one, depth + 1) for one in self._sets[name]))
        if name in APPLICATIONS:
            found = AnyOf(tuple(_service(service) for service in APPLICATIONS[name]))
            return _with_gateway(found) if name in WITH_GATEWAY else found
        return UnknownMatch(f"application {name}", "an application that is not known")


def _members(reading: Reading, node: Node) -> tuple[str, ...]:
    reading.fact(node)
    for child in node:
        if child.word in ("application", "application-set"):
            reading.facts(child)
        elif child.word == "description":
            reading.ignored(child, "a remark")
    return (*node.words("application"), *node.words("application-set"))


def _service(service: Service) -> Matches:
    """A predefined service: protocol with ports, or ICMP with type and code."""
    protocol, *rest = service
    numbers = words.number_range(protocol, words.PROTOCOLS, 255)
    assert numbers is not None
    found: list[Matches] = [FieldIn(Field.PROTOCOL, (numbers,))]
    fields = (
        (Field.ICMP_TYPE, Field.ICMP_CODE) if protocol.startswith("icmp") else (Field.DESTINATION_PORT,)
    )
    for field, word in zip(fields, rest, strict=False):
        one = words.number_range(word, {}, 65535)
        assert one is not None
        if one != (0, 65535):
            found.append(FieldIn(field, (one,)))
    return AllOf(tuple(found))


# ---- configured applications --------------------------------------------------------------------


def _application(reading: Reading, node: Node) -> Matches:
    reading.fact(node)
    terms = node.under("term")
    reading.fact(node.get("term"))
    if terms:
        for child in node:
            if child.word in _HARMLESS:
                reading.ignored(child, "does not decide what matches")
        return AnyOf(tuple(_term(reading, term) for term in terms))
    return _term(reading, node)


def _term(reading: Reading, node: Node) -> Matches:
    """Pairs of a keyword and a value, on one line or on several; several values of one are alternatives."""
    reading.fact(node)
    found: dict[str, list[Matches]] = {}
    more = False
    for keyword, value in _pairs(node):
        reader = _READERS.get(keyword)
        match = None if reader is None else reader(value)
        if match is None and keyword not in _HARMLESS:
            match = UnknownMatch(f"{keyword} {value}", "not modelled")
        if match is not None:
            found.setdefault(keyword, []).append(match)
        more = more or (keyword in ("alg", "application-protocol") and value in GATEWAYS)
    for child in node:
        if child.word != "term":
            reading.facts(child)
    every = AllOf(tuple(AnyOf(tuple(some)) for some in found.values()))
    return _with_gateway(every) if more else every


def _with_gateway(match: Matches) -> Matches:
    """``match``, and the connections that the application's gateway opens beside it."""
    transport = FieldIn(Field.PROTOCOL, ((6, 6), (17, 17), (47, 47)))
    return AnyOf((match, AllOf((transport, UnknownMatch("gateway", "opened by an application gateway")))))


def _pairs(node: Node) -> Iterator[tuple[str, str]]:
    for statement in node.statements():
        listed = list(statement)
        while listed:
            keyword = listed.pop(0)
            if keyword in _SINGLE and listed:
                yield keyword, listed.pop(0)
            else:
                yield keyword, ""


def _reader(field: Field, names: dict[str, int], most: int) -> Callable[[str], Matches | None]:
    def read(value: str) -> Matches | None:
        one = words.number_range(value, names, most)
        if one is None:
            return None
        return AnyPacket() if one == (0, most) and field is not Field.PROTOCOL else FieldIn(field, (one,))

    return read


_READERS: dict[str, Callable[[str], Matches | None]] = {
    "protocol": _reader(Field.PROTOCOL, words.PROTOCOLS, 255),
    "source-port": _reader(Field.SOURCE_PORT, words.PORTS, 65535),
    "destination-port": _reader(Field.DESTINATION_PORT, words.PORTS, 65535),
    "icmp-type": _reader(Field.ICMP_TYPE, words.ICMP_TYPES, 255),
    "icmp-code": _reader(Field.ICMP_CODE, words.ICMP_CODES, 255),
    "icmp6-type": _reader(Field.ICMP_TYPE, words.ICMP6_TYPES, 255),
    "icmp6-code": _reader(Field.ICMP_CODE, words.ICMP6_CODES, 255),
}
