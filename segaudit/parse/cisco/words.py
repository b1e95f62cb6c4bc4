"""A cursor over the words of one configuration line."""

from __future__ import annotations

from segaudit.model.source import SourceSpan


class Words:
    """The words of a line, read from left to right; reading past the end gives empty words.

    ``negated`` is true for a line that began with ``no``, which is not among the words.
    """

    __slots__ = ("negated", "position", "span", "words")

    def __init__(self, words: list[str], span: SourceSpan, negated: bool = False) -> None:
        self.words = words
        self.span = span
        self.negated = negated
        self.position = 0

    @property
    def done(self) -> bool:
        """True where every word was taken."""
        return self.position >= len(self.words)

    def peek(self, ahead: int = 0) -> str:
        """The next word (or one further on) without taking it."""
        at = self.position + ahead
        return self.words[at] if at < len(self.words) else ""

    def take(self) -> str:
        """The next word."""
        word = self.peek()
        self.position += 1
        return word

    def accept(self, *words: str) -> bool:
        """Take ``words`` where they come next, in this order; else take none."""
        end = self.position + len(words)
        if self.words[self.position : end] != list(words):
            return False
        self.position = end
        return True

    def rest(self) -> str:
        """Take all that is left, as text."""
        left = " ".join(self.words[self.position :])
        self.position = len(self.words)
        return left


def read(text: str, span: SourceSpan) -> Words:
    """The words of ``text``; a leading ``no`` is taken off and noted."""
    words = text.split()
    if words and words[0] == "no":
        return Words(words[1:], span, negated=True)
    return Words(words, span)
