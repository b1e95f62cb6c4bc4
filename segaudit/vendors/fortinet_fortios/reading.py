"""One pass over a FortiGate's configuration: its virtual domains, their tables, a fate for each line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import SourceSpan
from segaudit.parse.device_files import DeviceFiles, config_files
from segaudit.parse.edit_tree import Entry, Node, NotApplied, Setting, Value, edit_tree, settings_of, table
from segaudit.vendors.fortinet_fortios import platform
from segaudit.vendors.fortinet_fortios.claims import looks_like_fortios
from segaudit.vendors.fortinet_fortios.keywords import (
    GLOBAL,
    GLOBAL_HARMLESS,
    Doubtful,
    Fate,
    Harmless,
    Known,
    fate_of,
)

ROOT = "root"
"""The virtual domain that every FortiGate has."""

_HEADER = re.compile(r"config-version=\w+?-(\d+)\.(\d+)(?:\.(\d+))?-FW-build")
_BLOCK = re.compile(r"^\s*config \w", re.MULTILINE)
_ONE_VDOM = re.compile(r"global_vdom=0:vd_name=(\S+)")
_PROMPT = re.compile(r"[\w.-]+(?: \([\w./ -]+\))? [#$]")
_LAST_BLOCKS = frozenset({"router bgp", "router isis", "router multicast", "router ospf", "router rip"})
_SECRET_WORDS = ("secret", "passw", "psk", "key", "token")
_SHOWN_CHARACTERS = 200
_QUICK = frozenset({"set", "append", "select", "unset", "unselect", "clear"})


@dataclass(slots=True)
class Blocks:
    """The ``config`` nodes of one virtual domain, or of the global part, by path."""

    name: str
    nodes: dict[str, list[Node]] = field(default_factory=dict)

    def add(self, nodes: Iterable[Node]) -> None:
        """Take nodes in, behind those that are there."""
        for node in nodes:
            self.nodes.setdefault(node.path, []).append(node)


class Reading:
    """The configuration as tables by virtual domain, and the ledger of its lines.

    ``vdoms`` are the virtual domains in the order of the configuration, ``is_split`` is true where they
    are more than the one that is always there. ``version`` is what the first line says, empty without.

    Raises:
        SnapshotError: there is no configuration, or there are several.
    """

    def __init__(self, raw: RawConfig) -> None:
        self.raw = raw
        self.files = DeviceFiles(raw)
        self.file, self.ledger = self.files.open(_the_config(raw))
        self.version: tuple[int, ...] = ()
        self.everywhere = Blocks("")
        self.vdoms: dict[str, Blocks] = {}
        self._tables: dict[tuple[str, str], dict[str, Entry]] = {}
        self._settings: dict[tuple[str, str], Entry] = {}
        self._only_vdom = ""
        tree = edit_tree(self.file.text)
        self._split(tree)
        self._account_settings_outside(tree)
        self._account_completeness()

    # -- tables ----------------------------------------------------------------------------------

    @property
    def is_split(self) -> bool:
        """True where there are virtual domains to tell apart."""
        return bool(self._only_vdom) or list(self.vdoms) != [ROOT]

    def table(self, vdom: str, path: str) -> dict[str, Entry]:
        """The entries of a table of a virtual domain; ``""``: of the global part."""
        key = (vdom, path)
        if key not in self._tables:
            entries, wrong = table(self._nodes(vdom, path))
            self._tables[key] = entries
            self._account_wrong(wrong)
        return self._tables[key]

    def settings(self, vdom: str, path: str) -> Entry:
        """The settings of a block of a virtual domain that is no table; ``""``: of the global part."""
        key = (vdom, path)
        if key not in self._settings:
            entry, wrong = settings_of(self._nodes(vdom, path), path)
            self._settings[key] = entry
            self._account_wrong(wrong)
        return self._settings[key]

    def inner(self, entry: Entry, path: str) -> dict[str, Entry]:
        """The entries of a table inside an entry."""
        entries, wrong = table(entry.inner.get(path, ()))
        self._account_wrong(wrong)
        return entries

    def inner_settings(self, entry: Entry, path: str) -> Entry:
        """The settings of a block inside an entry that is no table."""
        found, wrong = settings_of(entry.inner.get(path, ()), path)
        self._account_wrong(wrong)
        return found

    def everywhere_table(self, path: str) -> dict[str, Entry]:
        """The entries of a table that is global, wherever the configuration shows it."""
        found = dict(self.table("", path))
        for vdom in self.vdoms:
            for name, entry in self.table(vdom, path).items():
                if found.setdefault(name, entry) is not entry and path == "system interface":
                    self.doubt(entry, f"{name} stands in several virtual domains")
        return found

    def shows(self, path: str) -> bool:
        """True where the configuration has the block, if only empty."""
        return any(path in blocks.nodes for blocks in (self.everywhere, *self.vdoms.values()))

    def _nodes(self, vdom: str, path: str) -> list[Node]:
        blocks = self.vdoms[vdom] if vdom else self.everywhere
        return blocks.nodes.get(path, [])

    # -- fates -----------------------------------------------------------------------------------

    def span(self, what: Entry | Value | Node | Setting) -> SourceSpan:
        """The lines of something."""
        return self.ledger.span(what.first, what.last)

    def doubt(
        self, what: Entry | Value | Node | Setting | None, reason: str, *, bounded: bool = False
    ) -> None:
        """Something is understood but not modelled; ``None``: the configuration as a whole."""
        first, last = (1, 1) if what is None or not what.first else (what.first, what.last)
        self.ledger.unsupported(first, last, reason, bounded=bounded, text=_named(what))

    def garbled(self, what: Entry | Value, reason: str, *, bounded: bool = False) -> None:
        """Something that cannot be read."""
        self.ledger.unrecognized(what.first, what.last, reason, bounded=bounded, text=_named(what))

    def _account_wrong(self, wrong: Iterable[NotApplied]) -> None:
        for setting, why in wrong:
            self.ledger.unrecognized(setting.first, setting.last, why, text=_shown(setting))

    def account(self, node: Node, fate: Fate | None) -> None:
        """A fate for every line of a block."""
        ledger = self.ledger
        label = f"{node.verb} {node.path}"
        match fate:
            case Harmless(reason) if node.closed:
                ledger.ignored(node.first, node.last, reason, label)
            case Doubtful(reason, bounded) if node.closed:
                if not _is_disabled(node) and _says_something(node):
                    ledger.unsupported(node.first, node.last, reason, bounded=bounded, text=label)
                else:
                    ledger.fact(node.first, node.last)
            case Known() if node.closed:
                ledger.fact(node.first, node.last)
                self._account_inside(node, fate)
            case None if node.closed and not node.items:
                ledger.fact(node.first, node.last)
            case _:
                why = "a block that is not known" if node.closed else "a block without its end"
                ledger.unrecognized(node.first, node.last, why, text=label)

    def _account_inside(self, node: Node, fate: Known) -> None:
        for item in node.items:
            if isinstance(item, Setting):
                self._account_setting(item, fate)
            elif item.verb == "edit":
                if item.closed:
                    self._account_inside(item, fate)
                else:
                    label = f"edit {item.path}"
                    self.ledger.unrecognized(item.first, item.last, "an entry without its end", text=label)
            else:
                self.account(item, fate.inner.get(item.path))

    def _account_setting(self, item: Setting, fate: Known) -> None:
        key = item.key
        if key in fate.facts or item.verb not in _QUICK:
            return
        reason = fate.harmless.get(key)
        if reason is None and key in fate.only:
            values, why = fate.only[key]
            if not set(item.words[1:]) <= values:
                self.ledger.unsupported(item.first, item.last, why, bounded=False, text=_shown(item))
                return
            reason = f"off: {why}"
        reason = reason or fate.rest or _harmless_name(key, fate)
        if reason is None:
            self.ledger.unrecognized(
                item.first, item.last, "a setting that is not known", text=_shown(item)
            )
        else:
            self.ledger.ignored(item.first, item.last, reason, f"{item.verb} {key}")

    # -- virtual domains -------------------------------------------------------------------------

    def _split(self, tree: Node) -> None:
        """Sort the blocks by virtual domain, and give every line of them its fate."""
        split = [node for node in tree.nodes("config") if node.path in ("vdom", "global")]
        loose = [node for node in tree.nodes("config") if node.path not in ("vdom", "global")]
        for node in split:
            self.ledger.fact(node.first, node.last)
            if not node.closed:
                self.ledger.unrecognized(node.last, node.last, "a virtual domain without its end")
            if node.path == "global":
                self._take(self.everywhere, node.nodes("config"))
                self._account_strays(node)
                continue
            self._account_strays(node)
            for edit in node.nodes("edit"):
                self._account_strays(edit)
                blocks = self.vdoms.setdefault(edit.path, Blocks(edit.path))
                self._take(blocks, edit.nodes("config"))
        if not self.vdoms:
            self.vdoms[ROOT] = Blocks(ROOT)
        if loose:
            self._take(next(iter(self.vdoms.values())), loose)
            if split:
                self.ledger.unrecognized(loose[0].first, loose[0].first, "outside every virtual domain")

    def _take(self, blocks: Blocks, nodes: Iterable[Node]) -> None:
        taken = list(nodes)
        blocks.add(taken)
        for node in taken:
            self.account(node, fate_of(node.path))

    def _account_strays(self, node: Node) -> None:
        for item in node.items:
            if isinstance(item, Setting) and item.verb != "#":
                self.ledger.unrecognized(item.first, item.last, "outside every block", text=_shown(item))

    def _account_settings_outside(self, tree: Node) -> None:
        """The lines at the top: what the first lines say, prompts, and what belongs nowhere."""
        ledger = self.ledger
        for item in tree.items:
            if isinstance(item, Node):
                if item.verb == "edit":
                    ledger.unrecognized(
                        item.first, item.last, "an entry of no table", text=f"edit {item.path}"
                    )
                continue
            line = " ".join((item.verb, *item.words))
            if item.verb == "#":
                self._account_header(item)
            elif _PROMPT.match(line):
                ledger.ignored(item.first, item.last, "a prompt")
            else:
                ledger.unrecognized(item.first, item.last, "outside every block", text=_shown(item))

    def _account_header(self, item: Setting) -> None:
        text = item.words[0]
        version, only = _HEADER.match(text), _ONE_VDOM.match(text)
        if version is not None:
            self.version = tuple(int(part) for part in version.groups() if part is not None)
        self.ledger.fact(item.first)
        if only is not None:
            self._only_vdom = only[1]
            self.vdoms = {only[1]: next(iter(self.vdoms.values()))}
            reason = (
                "the configuration of one virtual domain: the others, and what is global, are not shown"
            )
            self.ledger.unsupported(item.first, item.last, reason, bounded=False)

    def _account_completeness(self) -> None:
        """FortiOS marks no end: what a whole configuration has tells whether this is one."""
        every = set(self.everywhere.nodes).union(*(blocks.nodes for blocks in self.vdoms.values()))
        whole = bool(self.version) and bool(every & _LAST_BLOCKS) and "system interface" in every
        if not whole:
            first = next((at for at, line in enumerate(self.file.text.split("\n"), 1) if line.strip()), 1)
            reason = "not a whole configuration: the first line or the last blocks of one are missing"
            self.ledger.unsupported(first, first, reason, bounded=False)


def _the_config(raw: RawConfig) -> RawFile:
    found = config_files(raw, platform.RUNNING_CONFIG, looks_like_fortios)
    if not found and len(raw.files) == 1 and _BLOCK.search(raw.files[0].text):
        found = raw.files
    if len(found) == 1:
        return found[0]
    what = "several configurations" if found else f"there is no {platform.RUNNING_CONFIG}"
    raise SnapshotError(Problem(f"device {raw.device!r}", what, ", ".join(file.path for file in found)))


def _says_something(node: Node) -> bool:
    """True where a block has an entry or a setting; what is ``disable`` is no statement."""
    for item in node.items:
        if isinstance(item, Node):
            if not _is_disabled(item) and (item.verb == "edit" or _says_something(item)):
                return True
        elif item.verb == "set" and item.words[-1:] != ("disable",):
            return True
    return False


def _is_disabled(node: Node) -> bool:
    return any(
        isinstance(item, Setting) and item.verb == "set" and item.words == ("status", "disable")
        for item in node.items
    )


def _named(what: Entry | Value | Node | Setting | None) -> str:
    """How an entry is told: by its name, since what it holds may be secret."""
    return f"edit {what.name}" if isinstance(what, Entry) else ""


def _shown(item: Setting) -> str:
    """How a setting is told: without what is secret."""
    secret = "ENC" in item.words or any(word in item.key for word in _SECRET_WORDS)
    words = (item.key, "…") if secret else item.words
    return " ".join((item.verb, *words))[:_SHOWN_CHARACTERS].replace("\n", " ")


def _harmless_name(key: str, fate: Known) -> str | None:
    if key.startswith("gui-"):
        return "naming and display"
    if fate is GLOBAL and key.startswith(GLOBAL_HARMLESS):
        return "neither forwarding nor filtering"
    return None
