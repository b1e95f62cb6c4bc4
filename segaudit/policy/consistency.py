"""What the parts of a policy owe each other: distinct ids, isolations that nothing defeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from segaudit.documents.yaml_nodes import Node, did_you_mean
from segaudit.model.policy import AllowedFlow, Exemption, Isolation, IsolationDirection
from segaudit.policy.reading import PolicyReader, child


def check_ids(reader: PolicyReader, elements: Iterable[Node]) -> None:
    """Every id is given once in the whole file."""
    seen: dict[str, Node] = {}
    for node in _id_nodes(elements):
        word = str(node.value)
        if word in seen:
            reader.report(node, "duplicate id", word, f"first given at line {seen[word].line}")
        seen.setdefault(word, node)


def check_something_asserted(
    reader: PolicyReader, root: Node, isolations: Sequence[Isolation], flows: Sequence[AllowedFlow]
) -> None:
    """A policy that asserts nothing would hold on every network."""
    section = child(root, "isolation")
    stated = isolations or (section and section.value != ()) or any(flow.must_work for flow in flows)
    if isinstance(root.value, dict) and not stated:
        hint = "add an `isolation`, or a flow with `must_work: true`"
        reader.report(root, "the policy asserts nothing", hint=hint)


def check_flow(
    reader: PolicyReader, node: Node, flow: AllowedFlow, isolations: Iterable[Isolation]
) -> None:
    """Isolation beats flows: a flow between two isolated zones is refused at its line."""
    for isolation in isolations:
        if (flow.source, flow.destination) in asserted_pairs(isolation):
            hint = (
                "isolation beats flows; if it must pass, write it under `exceptions` with "
                f"assertion: {isolation.id}, owner, justification and expires"
            )
            reader.report(node, f"flow crosses isolation {isolation.id}", _pair(flow), hint)


def check_exception(
    reader: PolicyReader,
    node: Node,
    exemption: Exemption,
    isolations: Sequence[Isolation],
    known: Sequence[str],
) -> None:
    """An exception opens a hole in an isolation that exists, in a direction it asserts."""
    at = child(node, "assertion")
    if not at or not exemption.assertion:
        return
    if exemption.assertion not in known:
        reader.report(
            at, "unknown assertion", exemption.assertion, did_you_mean(exemption.assertion, known)
        )
        return
    for isolation in isolations:
        if isolation.id == exemption.assertion and _readable(isolation, exemption):
            _check_crossing(reader, node, exemption, isolation)


def asserted_pairs(isolation: Isolation) -> frozenset[tuple[str, str]]:
    """Every (source, destination) pair of zones between which nothing may pass."""
    forward = {(one, other) for one in isolation.between for other in isolation.and_}
    reverse = {(other, one) for one, other in forward}
    return frozenset(
        {
            IsolationDirection.BOTH: forward | reverse,
            IsolationDirection.FORWARD: forward,
            IsolationDirection.REVERSE: reverse,
        }[isolation.direction]
    )


def identifiers(elements: Iterable[Node]) -> list[str]:
    """The ids that ``elements`` give, readable or not."""
    return [str(node.value) for node in _id_nodes(elements)]


def _id_nodes(elements: Iterable[Node]) -> Iterator[Node]:
    for element in elements:
        node = child(element, "id")
        if node and isinstance(node.value, str) and node.value:
            yield node


def _readable(isolation: Isolation, exemption: Exemption) -> bool:
    apart = isolation.between and isolation.and_ and not set(isolation.between) & set(isolation.and_)
    return bool(apart and exemption.source and exemption.destination)


def _check_crossing(reader: PolicyReader, node: Node, exemption: Exemption, isolation: Isolation) -> None:
    pair = (exemption.source, exemption.destination)
    pairs = asserted_pairs(isolation)
    if pair in pairs:
        return
    if pair[::-1] in pairs:
        hint = f"{isolation.id} has direction {isolation.direction.value}, so nothing forbids this"
    else:
        hint = f"{isolation.id} keeps {', '.join(isolation.between)} from {', '.join(isolation.and_)}"
    reader.report(node, f"exception does not cross {isolation.id}", _pair(exemption), hint)


def _pair(item: AllowedFlow | Exemption) -> str:
    return f"{item.id} {item.source} -> {item.destination}"
