"""``iptables-save`` text -> tables, chains and rules as written (iptables-save(8) 1.8.9)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from segaudit.model.source import LineFate
from segaudit.vendors.linux.filters.facts import LineBook


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a rule: ``! --dport 22`` of module ``tcp`` (empty for the rule's own options)."""

    name: str
    arguments: tuple[str, ...]
    negated: bool = False
    module: str = ""

    @property
    def text(self) -> str:
        """As iptables prints it."""
        head = f"-m {self.module} " if self.module else ""
        sign = "! " if self.negated else ""
        return head + sign + " ".join((self.name, *self.arguments)).strip()


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """What a rule says after its addresses: one object for the many rules that say the same.

    ``modules`` are those named by ``-m``.
    """

    matches: tuple[Option, ...] = ()
    modules: tuple[str, ...] = ()
    target: str = ""
    goes: bool = False
    target_options: tuple[Option, ...] = ()


REFUSED = Wording(target="?")
"""Of a rule that cannot be taken apart; its chain may do anything from there on."""


@dataclass(frozen=True, slots=True)
class IptablesRule:
    """``-A chain addresses wording``; ``addresses`` are a plain ``-s`` and ``-d`` that come first."""

    chain: str
    line: int
    text: str
    addresses: tuple[Option, ...]
    wording: Wording


@dataclass(slots=True)
class IptablesTable:
    """``*name`` to ``COMMIT``; ``chains`` maps a chain to its policy (``-`` for a user's) and line."""

    name: str
    line: int
    chains: dict[str, tuple[str, int]] = field(default_factory=dict)
    rules: list[IptablesRule] = field(default_factory=list)

    @property
    def wordings(self) -> list[Wording]:
        """What the rules say, each once."""
        return list(dict.fromkeys(rule.wording for rule in self.rules))


class NotASave(ValueError):
    """The text is not the whole output of iptables-save; the message names the line."""


_CHAIN = re.compile(r":(\S+) (\S+)(?: \[\d+:\d+\])?$")
_ADDRESS = r"([0-9a-fA-F.:/]+)"
_RULE = re.compile(rf"-A\s+(\S+)(?: -s {_ADDRESS})?(?: -d {_ADDRESS})?(?:\s+(.*))?")
_QUOTED = re.compile(r"[^ !-~]|[\"'\\]")
"""What the shell's quoting and blanks could be about; a line without is words between spaces."""
_COMMENTED = re.compile(
    r"([^\"'\\]*?) -m comment --comment (?:\"[^\"\\]*\"|[^\s\"'\\]+)((?: -[mjg] [^\"'\\]*)?)"
)
"""A wording with one comment, where nothing else is quoted and an option of the rule's own follows."""
_COUNTERS = re.compile(r"^\[\d+:\d+\] ")

_ARGUMENTS = {
    "-s": 1, "-d": 1, "-i": 1, "-o": 1, "-p": 1, "-f": 0, "-4": 0, "-6": 0, "--comment": 1,
    "--log-prefix": 1, "--nflog-prefix": 1, "--ulog-prefix": 1, "--string": 1, "--hex-string": 1,
    "--syn": 0, "--tcp-flags": 2, "--match-set": 2, "--name": 1, "--bytecode": 1, "--u32": 1,
    "--hashlimit-name": 1, "--path": 1, "--helper": 1, "--label": 1, "--timeout": 1, "--genre": 1,
    "--led-trigger-id": 1, "--selctx": 1, "--object-pinned": 1, "--nfacct-name": 1,
}  # fmt: skip
"""Options whose arguments could look like options, and those modelled: how many arguments follow."""

_LONG = {
    "--source": "-s", "--src": "-s", "--destination": "-d", "--dst": "-d", "--in-interface": "-i",
    "--out-interface": "-o", "--protocol": "-p", "--proto": "-p", "--fragment": "-f", "--jump": "-j",
    "--goto": "-g", "--match": "-m", "--append": "-A", "--ipv4": "-4", "--ipv6": "-6",
}  # fmt: skip

_OWN = frozenset({"-s", "-d", "-i", "-o", "-p", "-f", "-4", "-6"})
"""Options of the rule itself, wherever they stand."""


def read_save(book: LineBook) -> tuple[IptablesTable, ...]:
    """The tables of one file; lines that are not part of the format stay unrecognized.

    Raises:
        NotASave: a table does not end with COMMIT, or a rule names a chain not declared before it.
    """
    tables: list[IptablesTable] = []
    current: IptablesTable | None = None
    for number, text in book.lines.items():
        if text.startswith("#"):
            book.note(number, LineFate.IGNORED, "remark of iptables-save")
        elif text.startswith("*"):
            if current is not None:
                raise NotASave(f"line {number}: table {current.name} has no COMMIT")
            current = IptablesTable(text[1:].strip(), number)
            tables.append(current)
            book.note(number, LineFate.FACT)
        elif text == "COMMIT" and current is not None:
            current = None
            book.note(number, LineFate.FACT)
        elif current is not None:
            _take(current, number, text, book)
    if current is not None:
        raise NotASave(f"table {current.name} has no COMMIT: the text is cut off")
    return tuple(tables)


def _take(table: IptablesTable, number: int, text: str, book: LineBook) -> None:
    if found := _CHAIN.match(text):
        table.chains[found[1]] = (found[2], number)
        book.note(number, LineFate.FACT)
        return
    rule = _rule(number, _COUNTERS.sub("", text))
    if rule is None:
        return
    if rule.chain not in table.chains:
        raise NotASave(
            f"line {number}: rule for chain {rule.chain}, which table {table.name} does not have"
        )
    table.rules.append(rule)
    if rule.wording is not REFUSED:
        book.note(number, LineFate.FACT)


def _rule(number: int, text: str) -> IptablesRule | None:
    found = _RULE.fullmatch(text)
    if found is None:
        return None
    chain, source, destination, rest = found.groups(default="")
    wording = _wording(_uncommented(rest))
    if wording is REFUSED:
        return IptablesRule(chain, number, text, (), REFUSED)
    addresses = [_address(name, to) for name, to in (("-s", source), ("-d", destination)) if to]
    return IptablesRule(chain, number, text, tuple(addresses), wording)


def _uncommented(text: str) -> str:
    """``text`` without its comment: each rule may have another, and say what all say."""
    if "--comment" not in text:
        return text
    found = _COMMENTED.fullmatch(f" {text}")
    return f"{found[1]}{found[2]}".lstrip() if found else text


@lru_cache(1 << 16)
def _address(name: str, text: str) -> Option:
    return Option(name, (text,))


@lru_cache(1 << 14)
def _wording(text: str) -> Wording:
    """What a text says, ``REFUSED`` where it makes no sense; the same object for the same text."""
    reading = _Reading()
    try:
        words = shlex.split(text) if _QUOTED.search(text) else text.split()
    except ValueError:
        return REFUSED
    for name, negated, arguments in _options(words):
        if not name.startswith("-") or not _place(reading, name, negated, arguments):
            return REFUSED
    return Wording(
        tuple(reading.matches),
        tuple(reading.modules),
        reading.target,
        reading.goes,
        tuple(reading.target_options),
    )


@dataclass(slots=True)
class _Reading:
    matches: list[Option] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    target: str = ""
    goes: bool = False
    target_options: list[Option] = field(default_factory=list)
    module: str = ""
    in_target: bool = False


def _place(reading: _Reading, name: str, negated: bool, arguments: tuple[str, ...]) -> bool:
    """Add one option to the rule; false where it makes no sense there."""
    if name in ("-j", "-g"):
        if len(arguments) != 1 or negated or reading.target:
            return False
        reading.target, reading.goes, reading.in_target = arguments[0], name == "-g", True
    elif name == "-m":
        if len(arguments) != 1 or negated:
            return False
        reading.module, reading.in_target = arguments[0], False
        reading.modules.append(arguments[0])
    elif name in _OWN:
        reading.matches.append(Option(name, arguments, negated))
        if name == "-p" and arguments and not reading.module:
            reading.module = arguments[0]
    elif reading.in_target:
        reading.target_options.append(Option(name, arguments, negated, reading.target))
    else:
        reading.matches.append(Option(name, arguments, negated, reading.module))
    return True


def _options(words: list[str]) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """Options with their sign and arguments; ``-s ! 1.2.3.4`` (before 1.4.3) is negated too."""
    position = 0
    while position < len(words):
        negated = words[position] == "!"
        position += negated
        name = words[position] if position < len(words) else ""
        name = _LONG.get(name, name)
        position += 1
        if position < len(words) and words[position] == "!" and _ARGUMENTS.get(name, 1) and not negated:
            follows = words[position + 1] if position + 1 < len(words) else ""
            if not follows.startswith("-"):
                negated, position = True, position + 1
        count = _ARGUMENTS.get(name)
        end = position + count if count is not None else _next_option(words, position)
        yield name, negated, tuple(words[position:end])
        position = end


def _next_option(words: list[str], position: int) -> int:
    """Where the next option starts; a negative number is an argument."""
    while position < len(words):
        word = words[position]
        if (word.startswith("-") and not word[1:2].isdigit()) or word == "!":
            return position
        position += 1
    return position
