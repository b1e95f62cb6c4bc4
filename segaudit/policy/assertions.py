"""The sections that assert or allow: ``isolation``, ``flows``, ``exceptions``, ``assumptions``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from segaudit.documents.yaml_nodes import Node, did_you_mean
from segaudit.model.flow import Family
from segaudit.model.policy import (
    BUILT_IN_ZONES,
    AllowedFlow,
    Claim,
    Exemption,
    Isolation,
    IsolationDirection,
    Location,
    OwnedAssumption,
    Service,
    Zone,
)
from segaudit.policy import grammar
from segaudit.policy.reading import PolicyReader, child
from segaudit.policy.services import NamedServices, read_service_list
from segaudit.policy.zones import LOCATION_KEYS, read_location, sides_of

ISOLATION_KEYS = (
    "id",
    "title",
    "between",
    "and",
    "direction",
    "families",
    "severity",
    "evidence",
    "controls",
)
EVIDENCE_KEYS = ("model", "probes", "max_age")
_CONDUIT_KEYS = ("from", "to", "services", "owner", "justification", "ticket", "expires")
FLOW_KEYS = ("id", *_CONDUIT_KEYS, "must_work", "through")
EXCEPTION_KEYS = ("id", "assertion", *_CONDUIT_KEYS)
ASSUMPTION_KEYS = ("id", "about", "claim", "owner", "justification", "expires")

NOT_YET = date.max
"""Stands in for a date that could not be read; the policy is refused anyway."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the assertions may refer to."""

    zones: Mapping[str, Zone]
    sides: Mapping[str, tuple[str, ...]]
    services: NamedServices

    @classmethod
    def of(cls, zones: dict[str, Zone], services: NamedServices) -> Names:
        """The names that a file's zones and services define."""
        return cls(zones, sides_of(zones), services)

    @property
    def zone_names(self) -> tuple[str, ...]:
        """Every zone that can be named, the built-in ones included."""
        return tuple(dict.fromkeys((*self.zones, *BUILT_IN_ZONES)))


def read_isolation(reader: PolicyReader, node: Node, names: Names) -> Isolation:
    """One isolation, its sides resolved into zones."""
    keys = reader.mapping(node, "isolation", ISOLATION_KEYS)
    identifier = _id(reader, node, "isolation")
    between_text, between = _end(reader, node, "between", names)
    and_text, and_ = _end(reader, node, "and", names)
    _check_apart(reader, node, between, and_)
    probes, hours = _evidence(reader, keys.get("evidence"))
    direction = _word(reader, keys.get("direction"), "direction", grammar.DIRECTIONS, "both")
    return Isolation(
        id=identifier,
        title=reader.optional_text(node, "title") or f"{between_text} is cut off from {and_text}",
        between=between,
        and_=and_,
        between_text=between_text,
        and_text=and_text,
        direction=IsolationDirection(direction),
        families=_families(reader, keys.get("families")),
        # Whoever leaves the severity out gets the one that no --fail-on lets pass.
        severity=_word(reader, keys.get("severity"), "severity", grammar.SEVERITIES, "critical"),
        controls=_texts(reader, keys.get("controls"), "controls", "control"),
        probes=probes,
        max_age_days=None if hours is None else hours // 24,
        span=node.span,
        max_age_hours=hours,
    )


def read_flow(reader: PolicyReader, node: Node, names: Names) -> AllowedFlow:
    """One conduit; ``expires: never`` has to be written out."""
    keys = reader.mapping(node, "flow", FLOW_KEYS)
    source, destination = _zone_pair(reader, node, "flow", names)
    expires = reader.required(node, "expires", "flow")
    return AllowedFlow(
        id=_id(reader, node, "flow"),
        source=source,
        destination=destination,
        services=_services(reader, node, "flow", names),
        owner=reader.required_text(node, "owner", "flow"),
        justification=reader.required_text(node, "justification", "flow"),
        expires=_date_or_never(reader, expires) if expires else None,
        must_work=_word(reader, keys.get("must_work"), "must_work", grammar.TRUTHS, "false") == "true",
        ticket=reader.optional_text(node, "ticket"),
        through=_texts(reader, keys.get("through"), "through", "device name"),
        span=node.span,
        expires_where=expires.where if expires else "",
    )


def read_exception(reader: PolicyReader, node: Node, names: Names) -> Exemption:
    """One dated, owned hole."""
    reader.mapping(node, "exception", EXCEPTION_KEYS)
    source, destination = _zone_pair(reader, node, "exception", names)
    expires = reader.required(node, "expires", "exception")
    day = _exception_date(reader, expires) if expires else None
    return Exemption(
        id=_id(reader, node, "exception"),
        assertion=reader.required_text(node, "assertion", "exception"),
        source=source,
        destination=destination,
        services=_services(reader, node, "exception", names),
        owner=reader.required_text(node, "owner", "exception"),
        justification=reader.required_text(node, "justification", "exception"),
        expires=day or NOT_YET,
        ticket=reader.optional_text(node, "ticket"),
        span=node.span,
        expires_where=expires.where if expires else "",
    )


def read_assumption(reader: PolicyReader, node: Node) -> OwnedAssumption:
    """One owned assumption about one place."""
    keys = reader.mapping(node, "assumption", ASSUMPTION_KEYS)
    about = reader.required(node, "about", "assumption")
    claim = reader.required(node, "claim", "assumption")
    word = reader.one_of(claim, "claim", grammar.CLAIMS) if claim else ""
    expires = keys.get("expires")
    return OwnedAssumption(
        id=_id(reader, node, "assumption"),
        about=read_location(reader, about, "about") if about else Location(),
        claim=Claim(word or grammar.CLAIMS[0]),
        owner=reader.required_text(node, "owner", "assumption"),
        justification=reader.required_text(node, "justification", "assumption"),
        expires=_date_or_never(reader, expires) if expires else None,
        span=node.span,
        expires_where=expires.where if expires else "",
    )


def _id(reader: PolicyReader, node: Node, what: str) -> str:
    identifier = reader.required(node, "id", what) if isinstance(node.value, dict) else None
    return (reader.parsed(identifier, "id", grammar.parse_name) or "") if identifier else ""


def _end(reader: PolicyReader, node: Node, key: str, names: Names) -> tuple[str, tuple[str, ...]]:
    """The word of one end of an isolation and the zones it stands for."""
    end = reader.required(node, key, "isolation")
    word = reader.text(end, key) if end else ""
    if word in names.sides:
        return word, names.sides[word]
    if word in names.zone_names:
        return word, (word,)
    if end and word:
        hint = did_you_mean(word, [*names.sides, *names.zone_names])
        reader.report(end, "unknown side or zone", word, hint)
    return word, ()


def _check_apart(reader: PolicyReader, node: Node, between: tuple[str, ...], and_: tuple[str, ...]) -> None:
    both = [zone for zone in between if zone in and_]
    if both:
        at = child(node, "and") or node
        reader.report(
            at,
            "a zone cannot be isolated from itself",
            ", ".join(both),
            "name two different sides or zones",
        )


def _evidence(reader: PolicyReader, node: Node | None) -> tuple[str, int | None]:
    """The demanded probes and the greatest age in hours."""
    if node is None:
        return grammar.EVIDENCE_PROBES[0], None
    keys = reader.mapping(node, "evidence", EVIDENCE_KEYS)
    _word(reader, keys.get("model"), "evidence model", grammar.EVIDENCE_MODELS, "all")
    probes = _word(reader, keys.get("probes"), "evidence probes", grammar.EVIDENCE_PROBES, "every-pair")
    age = keys.get("max_age")
    return probes, reader.parsed(age, "max_age", grammar.parse_hours) if age else None


def _families(reader: PolicyReader, node: Node | None) -> tuple[Family, ...]:
    if node is None:
        return (Family.IPV4, Family.IPV6)
    words = [
        reader.one_of(item, "address family", grammar.FAMILIES) for item in reader.filled(node, "families")
    ]
    _check_repeats(reader, node, "address family")
    return tuple(family for family in Family if family.label in words)


def _texts(reader: PolicyReader, node: Node | None, what: str, item_what: str) -> tuple[str, ...]:
    if node is None:
        return ()
    texts = tuple(reader.text(item, item_what) for item in reader.sequence(node, what))
    _check_repeats(reader, node, item_what)
    return texts


def _check_repeats(reader: PolicyReader, node: Node, what: str) -> None:
    seen: set[str] = set()
    for item in node.value if isinstance(node.value, tuple) else ():
        if isinstance(item.value, str):
            if item.value in seen:
                reader.report(item, f"{what} given twice", item.value)
            seen.add(item.value)


def _word(reader: PolicyReader, node: Node | None, what: str, words: tuple[str, ...], default: str) -> str:
    return (reader.one_of(node, what, words) or default) if node else default


def _zone_pair(reader: PolicyReader, node: Node, what: str, names: Names) -> tuple[str, str]:
    source, destination = (_zone_name(reader, node, key, what, names) for key in ("from", "to"))
    to = child(node, "to")
    if to and source and source == destination:
        reader.report(to, f"{what} stays within one zone", source, "traffic within a zone is not judged")
    return source, destination


def _zone_name(reader: PolicyReader, node: Node, key: str, what: str, names: Names) -> str:
    end = reader.required(node, key, what)
    word = reader.text(end, key) if end else ""
    if not end or not word or word in names.zone_names:
        return word
    if word in names.sides:
        zones = ", ".join(names.sides[word])
        reader.report(end, f"{what} needs a zone, not a side", word, f"write one {what} per zone: {zones}")
    else:
        reader.report(end, "unknown zone", word, did_you_mean(word, names.zone_names))
    return ""


def _services(reader: PolicyReader, node: Node, what: str, names: Names) -> tuple[Service, ...]:
    services = reader.required(node, "services", what)
    return read_service_list(reader, services, names.services) if services else ()


def _date_or_never(reader: PolicyReader, node: Node) -> date | None:
    return None if node.value == grammar.NEVER else reader.parsed(node, "expires", grammar.parse_date)


def _exception_date(reader: PolicyReader, node: Node) -> date | None:
    if node.value == grammar.NEVER:
        reader.report(
            node, "an exception must end", grammar.NEVER, "give the last day it holds, as 2026-12-31"
        )
        return None
    return reader.parsed(node, "expires", grammar.parse_date)


__all__ = [
    "ASSUMPTION_KEYS",
    "EVIDENCE_KEYS",
    "EXCEPTION_KEYS",
    "FLOW_KEYS",
    "ISOLATION_KEYS",
    "LOCATION_KEYS",
    "Names",
    "read_assumption",
    "read_exception",
    "read_flow",
    "read_isolation",
]
