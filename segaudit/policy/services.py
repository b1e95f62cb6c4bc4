"""The ``services`` section, and service lists of flows and exceptions."""

from __future__ import annotations

from collections.abc import Mapping

from segaudit.documents.yaml_nodes import Node, did_you_mean
from segaudit.model.policy import Service
from segaudit.policy.grammar import ANY_SERVICE, PROTOCOLS, Misread, parse_name, parse_service
from segaudit.policy.reading import PolicyReader

NamedServices = Mapping[str, tuple[Service, ...]]


def read_services(reader: PolicyReader, section: Node) -> dict[str, tuple[Service, ...]]:
    """Services by name; a name cannot stand for another name."""
    named = {
        name: _written(reader, name, node) for name, node in reader.mapping(section, "services").items()
    }
    for name, key in (section.keys or {}).items():
        reader.parsed(key, "service name", parse_name)
        if name == ANY_SERVICE or name in PROTOCOLS:
            reader.report(key, "service name is a word of the language", name, "choose another name")
    return named


def _written(reader: PolicyReader, name: str, node: Node) -> tuple[Service, ...]:
    items = reader.filled(node, f"service {name}")
    services = (reader.parsed(item, "service", _not_a_name) for item in items)
    return tuple(service for service in services if service)


def _not_a_name(text: str) -> Service:
    if _is_a_name(text):
        raise Misread("a service cannot stand for another", "write tcp/443, udp/53, icmp/8, ip/50 or any")
    return parse_service(text)


def _is_a_name(text: str) -> bool:
    return "/" not in text and text not in (*PROTOCOLS, ANY_SERVICE)


def read_service_list(reader: PolicyReader, node: Node, named: NamedServices) -> tuple[Service, ...]:
    """The services of a flow or exception, names replaced by what they stand for, each once."""
    found: list[Service] = []
    seen: dict[str, Node] = {}
    for item in reader.filled(node, "services"):
        text = reader.text(item, "service")
        if text in seen:
            reader.report(item, "service given twice", text, f"first given at line {seen[text].line}")
        elif text:
            seen[text] = item
            found += _service(reader, item, named)
    return tuple(dict.fromkeys(found))


def _service(reader: PolicyReader, item: Node, named: NamedServices) -> tuple[Service, ...]:
    def parse(text: str) -> tuple[Service, ...]:
        if text in named:
            return named[text]
        if _is_a_name(text):
            raise Misread("unknown service", did_you_mean(text, [*named, ANY_SERVICE]))
        return (parse_service(text),)

    return reader.parsed(item, "service", parse) or ()
