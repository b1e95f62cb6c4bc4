"""Configurations in braces: ``interfaces { ge-0/0/0 { unit 0; } }``, as Junos prints them.

Reads ``inactive:``, ``replace:``, ``delete:`` and ``protect:``, comments of every kind, quoted strings (of
several lines, too) and ``[ lists ]``. Lines of the other form (``set ...``) may stand between blocks.
"""

from __future__ import annotations

import re

from segaudit.parse.set_lines import is_command, read_command
from segaudit.parse.word_tree import Node, Tree

_SPECIAL = re.compile(r'["\[\]{};#]|/\*')
_TOKENS = re.compile(
    r"""\s*(?:(?P<comment>/\*|\#.*) | (?P<mark>[{};\[\]]) | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<torn>".*) | (?P<word>[^\s{};"\[\]](?:[^\s{};"\[\]]|\[[^\s\[\]{};"]*\])*))""",
    re.VERBOSE,
)
_NOT_CONFIG = re.compile(r"\{\w+(?::\w+)*\}$|[\w.-]+@[\w.:-]+[>#%]|\{(primary|secondary|master|backup)\b")
_TAGS = frozenset(("inactive:", "active:", "replace:", "protect:", "unprotect:", "delete:"))
_DEEPEST = 200


def read_braces(tree: Tree, text: str, base: int = 0) -> None:
    """Add the configuration in ``text`` to ``tree``; lines are numbered from ``base + 1``.

    Never raises: what cannot be read becomes a problem of the tree.
    """
    _Reader(tree).read(text, base)


class _Reader:
    """The state between lines: open blocks, and the statement, list, string or comment not yet ended."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.stack: list[Node] = [tree.root]
        self.words: list[str | tuple[str, ...]] = []
        self.listed: list[str] | None = None
        self.lines: list[int] = []
        self.in_comment = False
        self.quote: list[str] | None = None

    def read(self, text: str, base: int) -> None:
        number = base
        for number, raw in enumerate(text.split("\n"), start=base + 1):
            line = raw.strip()
            if line:
                self._line(line, number)
            elif self.quote is not None:
                self.quote.append("")
        if len(self.stack) > 1 or self.lines or self.in_comment or self.quote is not None:
            last = base + max(text.rstrip().count("\n") + 1, 1)
            reason = "the configuration ends within a block or statement"
            self.tree.problems.extend((line, reason) for line in sorted({last, *self.lines}))
            self._end_statement()

    def _line(self, line: str, number: int) -> None:
        idle = not self.words and not self.in_comment and self.quote is None and self.listed is None
        if idle and line == "}":
            self._close(number)
        elif idle and line[-1] in ";{" and not _SPECIAL.search(line, 0, len(line) - 1):
            self.words, self.lines = list(line[:-1].split()), [number]
            self._statement(opens=line[-1] == "{")
        elif idle and len(self.stack) == 1 and self._is_no_block(line, number):
            return
        else:
            self._slowly(line, number)

    def _is_no_block(self, line: str, number: int) -> bool:
        """Lines that only stand between blocks: commands, prompts, comments."""
        if is_command(line):
            read_command(self.tree, line, number)
        elif _NOT_CONFIG.match(line):
            self.tree.remarks.append((number, "a prompt"))
        else:
            return False
        return True

    def _slowly(self, line: str, number: int) -> None:
        at = 0
        while at < len(line):
            if self.in_comment:
                at = self._in_comment(line, at, number)
            elif self.quote is not None:
                at = self._in_quote(line, at, number)
            else:
                at = self._token(line, at, number)

    def _in_comment(self, line: str, at: int, number: int) -> int:
        end = line.find("*/", at)
        self.tree.remarks.append((number, "comment"))
        if end < 0:
            return len(line)
        self.in_comment = False
        return end + 2

    def _in_quote(self, line: str, at: int, number: int) -> int:
        """A string of several lines; one that holds what looks like statements is torn."""
        assert self.quote is not None
        if number not in self.lines[-1:]:
            self.lines.append(number)
        end = line.find('"', at)
        part = line[at:] if end < 0 else line[at:end]
        if part.endswith((";", "{", "}")):
            self.tree.problems.append((number, "within a string that does not end where it should"))
        self.quote.append(part)
        if end < 0:
            return len(line)
        self._word("\n".join(self.quote), number)
        self.quote = None
        return end + 1

    def _token(self, line: str, at: int, number: int) -> int:
        found = _TOKENS.match(line, at)
        if found is None:
            return len(line)
        kind, said = found.lastgroup, found[found.lastgroup or 0]
        if kind == "comment":
            return self._comment(said, found.start("comment"), line, number)
        if kind == "torn":
            self.quote = [said[1:]]
            self._begun(number)
            if said[1:].endswith((";", "{", "}")):
                self.tree.problems.append((number, "a string begins and does not end"))
        elif kind == "mark":
            self._mark(said, number)
        else:
            self._word(said, number)
        return found.end()

    def _comment(self, begins: str, at: int, line: str, number: int) -> int:
        if not self.lines or self.lines[-1] != number:
            self.tree.remarks.append((number, "comment"))
        if begins == "/*":
            self.in_comment = True
            return self._in_comment(line, at + 2, number)
        return len(line)

    def _begun(self, number: int) -> None:
        if self.lines[-1:] != [number]:
            self.lines.append(number)

    def _word(self, word: str, number: int) -> None:
        self._begun(number)
        if self.listed is not None:
            self.listed.append(word)
        else:
            self.words.append(word)

    def _mark(self, mark: str, number: int) -> None:
        if mark == "[":
            self._begun(number)
            self.listed = []
        elif mark == "]":
            self._begun(number)
            if self.listed is None:
                self.tree.problems.append((number, "a list ends that did not begin"))
            else:
                self.words.append(tuple(self.listed))
            self.listed = None
        elif mark == "}":
            self._end_statement()
            self._close(number)
        else:
            self._begun(number)
            self._statement(opens=mark == "{")

    def _end_statement(self) -> None:
        if self.words:
            self._statement(opens=False)

    def _close(self, number: int) -> None:
        if len(self.stack) == 1:
            self.tree.problems.append((number, "a block ends that did not begin"))
            return
        self.stack.pop()
        self.tree.punctuation.append(number)

    def _statement(self, opens: bool) -> None:
        words, lines = self.words, self.lines
        self.words, self.lines, self.listed = [], [], None
        tags: set[object] = set()
        while words and words[0] in _TAGS:
            tags.add(words.pop(0))
        if not words and (opens or tags):
            self.tree.problems.extend((line, "a statement without a name") for line in lines)
        if not words:
            self.tree.punctuation.extend(lines)
            if opens:
                self.stack.append(self.stack[-1])
            return
        self._set(words, lines, tags, opens)

    def _set(
        self, words: list[str | tuple[str, ...]], lines: list[int], tags: set[object], opens: bool
    ) -> None:
        if len(self.stack) > _DEEPEST or len(words) > _DEEPEST:
            self.tree.problems.extend((line, "nested too deeply") for line in lines)
        elif "delete:" in tags and not opens:
            self.tree.delete(self.stack[-1], words, "deleted later")
            self.tree.remarks.extend((line, "deletes what was set before") for line in lines)
            return
        elif "replace:" in tags:
            self.tree.delete(self.stack[-1], words, "replaced later")
        ends = self.tree.insert(self.stack[-1], words[:_DEEPEST], lines)
        for end in ends:
            end.inactive = "inactive:" in tags
        if opens:
            self.stack.append(ends[0] if ends else self.stack[-1])
            if len(ends) != 1:
                self.tree.problems.extend((line, "a block with a list of names") for line in lines)
