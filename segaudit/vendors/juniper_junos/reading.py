"""One pass over a Junos device's files: the tree of its configuration, and what became of each line."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan
from segaudit.parse.braces import read_braces
from segaudit.parse.device_files import DeviceFiles, beginning, config_files
from segaudit.parse.ledger import LineLedger
from segaudit.parse.word_tree import Node, Tree
from segaudit.vendors.juniper_junos import inheritance, platform
from segaudit.vendors.juniper_junos.claims import looks_like_a_part, looks_like_junos

_UNREAD = "shows state, and the configuration alone is read"
_FIRST_FILES = ("normalize", "initial")
"""Files of a configuration in parts that come before the others (netlab's order)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The fate that a reader gives to a node.

    One that is not bounded goes for all that stands below, whatever is said of it; with ``rest`` only for
    that of which nothing is said.
    """

    fate: LineFate
    reason: str = ""
    bounded: bool = True
    rest: bool = False

    @property
    def overrides(self) -> bool:
        """True where what stands below can say nothing better of itself."""
        return not self.bounded and not self.rest


_FACT = Claim(LineFate.FACT)
_UNREACHED = Claim(LineFate.IGNORED, "of a group, and reaches nothing in this configuration")


class Reading:
    """The configuration of one device while it is read.

    Raises:
        SnapshotError: there is no configuration.
    """

    def __init__(self, raw: RawConfig) -> None:
        self.raw = raw
        self.files = DeviceFiles(raw)
        self._ledgers: list[LineLedger] = []
        self._bases: list[int] = []
        self._own: dict[int, Claim] = {}
        self._whole: dict[int, Claim] = {}
        self._accounted: set[int] = set()
        tree = self._parsed(raw)
        tree.drop_inactive()
        self._inherited = inheritance.expand(tree.root)
        self.tree, self.root = tree, tree.root
        tree.problems += self._inherited.lost
        tree.punctuation += self._inherited.used
        for node, reason in self._inherited.doubts:
            self.unsupported(node, reason, bounded=False)

    def _parsed(self, raw: RawConfig) -> Tree:
        found = sorted(_parts(raw), key=_order)
        if not found:
            where = f"device {raw.device!r}"
            raise SnapshotError(Problem(where, "no Junos configuration", hint=f"call it {platform.CONFIG}"))
        tree, base, named = Tree(), 0, []
        for file in found:
            opened, ledger = self.files.open(file)
            self._ledgers.append(ledger)
            self._bases.append(base)
            read_braces(tree, opened.text, base)
            base += opened.text.count("\n") + 1
            named += [base] if opened.text.count("host-name ") else []
        if not tree.root.children:
            raise SnapshotError(Problem(found[0].path, "no statement of a configuration in it"))
        self._account_whole(tree)
        return tree

    def _account_whole(self, tree: Tree) -> None:
        """Two files that each name the host are two configurations rather than parts of one."""
        host = tree.root.get("system", "host-name")
        lines = sorted({line for node in host or () for line in node.lines})
        if len({bisect_right(self._bases, line - 1) for line in lines}) > 1:
            tree.problems.append((lines[-1], "several files are whole configurations of one device"))

    # -- claims ----------------------------------------------------------------------------------

    def fact(self, *nodes: Node | None) -> None:
        """The nodes themselves are understood, not what stands below them."""
        for node in nodes:
            if node is not None:
                self._own[id(node)] = _FACT

    def facts(self, *nodes: Node | None) -> None:
        """The nodes and everything below are understood."""
        for node in nodes:
            if node is not None:
                self._whole[id(node)] = _FACT

    def ignored(self, node: Node | None, reason: str) -> None:
        """The node and what stands below cannot matter."""
        if node is not None:
            self._whole.setdefault(id(node), Claim(LineFate.IGNORED, reason))

    def unsupported(self, node: Node | None, reason: str, *, bounded: bool) -> None:
        """The node and what stands below are understood but not modelled."""
        if node is not None:
            known = self._whole.get(id(node))
            if known is None or (known.bounded and not bounded) or known.fate is LineFate.FACT:
                self._whole[id(node)] = Claim(LineFate.UNSUPPORTED, reason, bounded)

    def doubtful_rest(self, node: Node | None, reason: str) -> None:
        """Of what stands below the node, whatever nobody claimed may forward anything."""
        if node is not None:
            self._whole.setdefault(id(node), Claim(LineFate.UNSUPPORTED, reason, bounded=False, rest=True))

    def unrecognized(self, node: Node | None, reason: str, *, bounded: bool = False) -> None:
        """The node and what stands below are not understood."""
        if node is not None:
            self._whole[id(node)] = Claim(LineFate.UNRECOGNIZED, reason, bounded)

    # -- places ----------------------------------------------------------------------------------

    def span(self, node: Node) -> SourceSpan | None:
        """The lines of a node in a row, from its first on; ``None`` where none is its own."""
        lines = node.all_lines()
        if not lines:
            return None
        first = last = lines[0]
        for line in lines:
            if line - last > 2:
                break
            last = line
        ledger, base = self._at(first)
        inside = last if self._at(last)[0] is ledger else first
        return ledger.span(first - base, inside - base)

    def _at(self, number: int) -> tuple[LineLedger, int]:
        index = bisect_right(self._bases, number - 1) - 1
        return self._ledgers[index], self._bases[index]

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> tuple[tuple[AccountedLine, ...], tuple[LineTally, ...]]:
        """The accounted lines and the tallies."""
        self._account_lists()
        self._account_tree()
        groups = self.root.get("groups")
        for number in sorted(set(groups.all_lines() if groups else ()) - self._accounted):
            self._account(number, _UNREACHED)
        return self.files.close(_UNREAD)

    def _account_lists(self) -> None:
        for number in self.tree.punctuation:
            ledger, base = self._at(number)
            ledger.fact(number - base)
        for number, reason in self.tree.remarks:
            ledger, base = self._at(number)
            ledger.ignored(number - base, None, reason)
        for number, reason in self.tree.problems:
            ledger, base = self._at(number)
            ledger.unrecognized(number - base, None, reason, bounded=False)

    def _account_tree(self) -> None:
        waiting: list[tuple[Node, Claim | None]] = [(self.root, None)]
        while waiting:
            node, above = waiting.pop()
            whole = above if above and above.overrides else self._whole.get(id(node), above)
            if node.word == "groups" and above is None and node is self.root.get("groups"):
                self._account_groups(node)
                continue
            own = whole if whole and whole.overrides else self._own.get(id(node)) or whole
            if own is None and node.children:
                own = _FACT
            for number in node.lines:
                self._account(number, own)
            waiting.extend((child, whole) for child in node)

    def _account_groups(self, groups: Node) -> None:
        """A group's lines have the fates of what they became; its heads are punctuation."""
        waiting: list[tuple[Node, Claim | None]] = [(groups, None)]
        while waiting:
            node, above = waiting.pop()
            claim = self._whole.get(id(node), above)
            for number in node.lines if claim is not None or node.children else ():
                self._account(number, claim or _FACT)
            waiting.extend((child, claim) for child in node)

    def _account(self, number: int, claim: Claim | None) -> None:
        self._accounted.add(number)
        ledger, base = self._at(number)
        line = number - base
        if claim is None:
            ledger.unrecognized(line, None, "not known to this reader", bounded=False)
        elif claim.fate is LineFate.FACT:
            ledger.fact(line)
        elif claim.fate is LineFate.IGNORED:
            ledger.ignored(line, None, claim.reason)
        elif claim.fate is LineFate.UNSUPPORTED:
            ledger.unsupported(line, None, claim.reason, bounded=claim.bounded)
        else:
            ledger.unrecognized(line, None, claim.reason, bounded=claim.bounded)


def _parts(raw: RawConfig) -> list[RawFile]:
    """The configuration among the files; where it has no name of its own, whatever may be a part of it."""
    found = list(config_files(raw, platform.CONFIG, looks_like_junos))
    if not found or raw.file(platform.CONFIG) is not None:
        return found
    outputs = {command.file for command in platform.PLATFORM.commands}
    others = (file for file in raw.files if file not in found and file.name not in outputs)
    return [*found, *(file for file in others if looks_like_a_part(beginning(file)))]


def _order(file: RawFile) -> tuple[int, str]:
    ranks = [rank for rank, part in enumerate(_FIRST_FILES) if part in file.name]
    return (ranks[0] if ranks else len(_FIRST_FILES), file.name)
