"""Taking the policy document apart: every problem noted at its place, none stops the reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from segaudit.documents.yaml_nodes import Node, Reader
from segaudit.errors import PolicyError, Problem
from segaudit.policy.grammar import Misread

T = TypeVar("T")

_SHOWN_LENGTH = 80


class PolicyReader(Reader):
    """A ``Reader`` that says "is empty" of an empty value and shows hostile text harmlessly."""

    def __init__(self) -> None:
        super().__init__(PolicyError)

    def report(self, node: Node, what: str, value: str = "", hint: str = "") -> None:
        """Note a problem at ``node``; control characters and overlong values are not echoed raw."""
        super().report(node, what, shown(value), shown(hint, 4 * _SHOWN_LENGTH))

    def raise_if_any(self) -> None:
        """Raise everything noted, in file order.

        Raises:
            PolicyError: something was noted.
        """
        if self.problems:
            raise PolicyError(*in_file_order(self.problems))

    def mapping(self, node: Node, what: str, allowed: Iterable[str] | None = None) -> dict[str, Node]:
        """``node`` as a mapping; empty, of another shape, or with an unknown key is a problem."""
        return {} if self._empty(node, what) else super().mapping(node, what, allowed)

    def sequence(self, node: Node, what: str) -> tuple[Node, ...]:
        """``node`` as a list."""
        return () if self._empty(node, what) else super().sequence(node, what)

    def text(self, node: Node, what: str) -> str:
        """``node`` as a non-empty word."""
        return "" if self._empty(node, what) else super().text(node, what)

    def parsed(self, node: Node, what: str, parse: Callable[[str], T]) -> T | None:
        """``node`` as whatever ``parse`` makes of its text; ``None`` after a problem."""
        text = self.text(node, what)
        if not text:
            return None
        try:
            return parse(text)
        except Misread as misread:
            self.report(node, misread.what, text, misread.hint)
            return None

    def filled(self, node: Node, what: str) -> tuple[Node, ...]:
        """``node`` as a list of at least one item."""
        items = self.sequence(node, what)
        if node.value == ():
            self.report(node, f"{what} must not be an empty list")
        return items

    def required_text(self, parent: Node, key: str, what: str) -> str:
        """The non-empty word under ``key``, which must be there."""
        node = self.required(parent, key, what)
        return self.text(node, key) if node else ""

    def optional_text(self, parent: Node, key: str) -> str:
        """The non-empty word under ``key``, or "" where there is no such key."""
        node = child(parent, key)
        return self.text(node, key) if node else ""

    def _empty(self, node: Node, what: str) -> bool:
        empty = node.value is None or (isinstance(node.value, str) and not node.value.strip())
        if empty:
            self.report(node, f"{what} is empty")
        return empty


def child(parent: Node, key: str) -> Node | None:
    """The value under ``key`` of a mapping, if there is one."""
    return parent.value.get(key) if isinstance(parent.value, dict) else None


def shown(text: str, length: int = _SHOWN_LENGTH) -> str:
    """``text`` on one printable line of at most ``length`` characters."""
    printable = text if text.isprintable() else ascii(text)
    return printable if len(printable) <= length else printable[: length - 1] + "…"


def problem(where: str, what: str, value: str, hint: str = "") -> Problem:
    """A problem whose parts are printable and of bounded length."""
    return Problem(where, what, shown(value, 2 * _SHOWN_LENGTH), shown(hint, 4 * _SHOWN_LENGTH))


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """``problems`` sorted by line and column; those of one place keep their order."""
    return sorted(problems, key=_position)


def _position(problem: Problem) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in reversed(problem.where.split(":")[-2:]):
        if part.isdigit():
            numbers.insert(0, int(part))
    return tuple(numbers)
