"""All filter listings of one device put together: which listing speaks for which table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from segaudit.model.acl import Acl, AclAttachment
from segaudit.model.flow import Family
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.model.source import AccountedLine, LineFate, LineTally, SourceSpan
from segaudit.vendors.linux.filters.facts import FilterFacts, LineBook
from segaudit.vendors.linux.filters.ipset_save import IpSets, read_ipset
from segaudit.vendors.linux.filters.iptables_filters import IptablesFilters, changed_sets, read_iptables
from segaudit.vendors.linux.filters.iptables_matches import Surroundings
from segaudit.vendors.linux.filters.iptables_over_nft import speaks_for
from segaudit.vendors.linux.filters.iptables_save import IptablesTable, NotASave, read_save
from segaudit.vendors.linux.filters.nft_bytecode import checks_of
from segaudit.vendors.linux.filters.nft_filters import NftFilters, read_tables
from segaudit.vendors.linux.filters.nft_nouns import NftTable, NotARuleset
from segaudit.vendors.linux.filters.nft_read import tables_of

PROGRAM_ABSENT = 127
"""Exit status of a shell that did not find the program."""

SAVES = {
    "iptables-save.txt": (Family.IPV4, "iptables-legacy-save.txt"),
    "ip6tables-save.txt": (Family.IPV6, "ip6tables-legacy-save.txt"),
    "iptables-legacy-save.txt": (Family.IPV4, ""),
    "ip6tables-legacy-save.txt": (Family.IPV6, ""),
}
"""Listings of iptables tables: their family, and which listing is read instead where both are legacy."""

ONLY_NFT_SHOWS = "use 'nft' tool"
"""In a remark of iptables-save 1.8 over nft: a table, or chains of one, are left out of its text."""

LEGACY_PRESENT = "-legacy tables present"
"""In its warning that tables exist which only iptables-legacy-save shows."""

BYTECODE = "nftables-netlink.txt"
"""A cross-check of nft's own listing; without it that is believed."""

LISTINGS = ("nftables.json", "nftables.txt", BYTECODE, *SAVES, "ipset.txt")


@dataclass(frozen=True, slots=True)
class _Save:
    """One iptables listing, taken apart; ``over_nft`` where it shows tables that nft shows too."""

    family: Family
    book: LineBook
    tables: tuple[IptablesTable, ...]
    over_nft: bool

    @property
    def program(self) -> str:
        """What the names of its chains begin with."""
        return "iptables" if self.over_nft else "iptables-legacy"


class _Unknown(Exception):
    """A listing of the device is broken."""

    def __init__(self, file: RawFile, reason: str) -> None:
        self.file = file
        self.reason = reason


def assemble(config: RawConfig) -> FilterFacts:
    """See :func:`segaudit.vendors.linux.filters.read_filters`."""
    named = {file.name: file for file in reversed(config.files)}
    files = {name: named[name] for name in LISTINGS if name in named}
    if not set(files) - {"ipset.txt", BYTECODE}:
        return FilterFacts(unknown_translation=True)
    try:
        return _read(files)
    except _Unknown as broken:
        return _all_unknown(files, broken)


def _all_unknown(files: dict[str, RawFile], broken: _Unknown) -> FilterFacts:
    """No filter is known: nothing is dropped for certain, and anything may be translated."""
    lines: list[AccountedLine] = []
    tallies: list[LineTally] = []
    for file in files.values():
        book = LineBook(file.path, file.text)
        bounded = file is not broken.file
        reason = f"filters are unknown: {broken.reason}"
        book.note_all(LineFate.UNSUPPORTED, reason, bounded)
        lines += book.accounted()
        tallies.append(book.tally())
        if not bounded and not book.lines:
            lines.append(
                AccountedLine(SourceSpan(file.path, 1, 1), "unsupported", "", reason, bounded=False)
            )
    return FilterFacts(lines=tuple(lines), tallies=tuple(tallies), unknown_translation=True)


def _read(files: dict[str, RawFile]) -> FilterFacts:
    books: list[LineBook] = []
    usable = {name: file for name, file in files.items() if _usable(file, books)}
    saves = [save for name in SAVES if (save := _save(name, usable, books)) is not None]
    sets = _sets(usable, books)
    tables = _nft_tables(usable)
    if "nftables.json" in usable:
        saves = [_true_part(save, tables, usable) for save in saves]
    else:
        _refuse_unchecked(saves, usable)
    _refuse_hidden_legacy(saves, usable)
    covered = {
        (_nft_family(save.family), table.name) for save in saves if save.over_nft for table in save.tables
    }
    nft, nft_book = _nft(usable, tables, covered)
    books += [*([nft_book] if nft_book else []), *_bytecode_book(usable)]
    iptables = _iptables(saves, sets)
    acls, attached = {**nft.acls, **iptables.acls}, (*nft.attachments, *iptables.attachments)
    _doubt_order(acls, attached, books)
    return FilterFacts(
        acls=acls,
        attachments=_in_order(attached, tables),
        lines=tuple(line for book in books for line in book.accounted()),
        tallies=tuple(book.tally() for book in books),
        tracks_connections=nft.reads_state or iptables.reads_state or _translates(nft, tables, saves),
    )


def _in_order(
    attachments: tuple[AclAttachment, ...], tables: tuple[NftTable, ...]
) -> tuple[AclAttachment, ...]:
    """Of one priority the chain that came last runs first (net/netfilter/core.c ``nf_hook_entries_grow``).

    nft lists tables and chains as they came. Legacy tables are not in that list and count as the last.
    """
    came = {" ".join(table.key): number for number, table in enumerate(tables)}
    families = {"ipv4": "ip", "ipv6": "ip6"}

    def place(numbered: tuple[int, AclAttachment]) -> tuple[int, int]:
        program, family, table, *_ = numbered[1].acl.split(" ")
        known = {} if program == "iptables-legacy" else came
        return known.get(f"{families.get(family, family)} {table}", len(tables)), numbered[0]

    return tuple(one for _, one in sorted(enumerate(attachments), key=place, reverse=True))


def _doubt_order(
    acls: dict[str, Acl], attachments: tuple[AclAttachment, ...], books: list[LineBook]
) -> None:
    """Nothing lists whether a legacy NAT table or nft's chain of the same priority came last."""
    translating = [one for one in attachments if one.translates and acls[one.acl].aces]
    for one in translating:
        rivals = [
            other
            for other in translating
            if not other.acl.startswith("iptables-legacy ")
            and (other.hook, other.priority) == (one.hook, one.priority)
            and other.families & one.families
        ]
        span = acls[one.acl].span
        if rivals and span and one.acl.startswith("iptables-legacy "):
            book = next(book for book in books if book.path == span.file)
            reason = f"translates before or after {rivals[0].acl}: the order is not listed"
            book.note(span.first_line, LineFate.UNSUPPORTED, reason, bounded=False)


def _usable(file: RawFile, books: list[LineBook]) -> bool:
    """False for a program that is not there; any other failure makes the filters unknown."""
    if file.exit_status in (None, 0):
        return True
    book = LineBook(file.path, file.text)
    books.append(book)
    if file.exit_status == PROGRAM_ABSENT:
        book.note_all(LineFate.IGNORED, "program not installed")
        return False
    if file.name == "ipset.txt":
        book.note_all(LineFate.UNSUPPORTED, "sets are unknown: the command failed")
        return False
    if file.name == BYTECODE:
        book.note_all(LineFate.IGNORED, "the command failed: nftables.json is believed alone")
        return False
    raise _Unknown(file, f"the command ended with status {file.exit_status}")


def _save(name: str, usable: dict[str, RawFile], books: list[LineBook]) -> _Save | None:
    file = usable.get(name)
    if file is None:
        return None
    family, legacy = SAVES[name]
    book = LineBook(file.path, file.text)
    books.append(book)
    over_nft = _remarks(book, "(nf_tables)") or _remarks(book, ONLY_NFT_SHOWS)
    if legacy and not over_nft and legacy in usable:
        book.note_all(LineFate.IGNORED, f"the same tables as in {legacy}")
        return None
    try:
        return _Save(family, book, read_save(book), over_nft)
    except NotASave as failure:
        raise _Unknown(file, str(failure)) from failure


def _true_part(save: _Save, tables: tuple[NftTable, ...], usable: dict[str, RawFile]) -> _Save:
    """``save`` without the tables that nft shows to hold other rules; those are read from nft."""
    if not save.over_nft:
        return save
    shown = {table.name: table for table in tables if table.family == _nft_family(save.family)}
    kept = []
    for table in save.tables:
        if table.name not in shown:
            if _may_drop_or_translate(table):
                raise _Unknown(_file_of(save, usable), f"table {table.name} is not in nftables.json")
            kept.append(table)
        elif speaks_for(table, shown[table.name]):
            kept.append(table)
        else:
            for line in (
                table.line,
                *(at for _, at in table.chains.values()),
                *(rule.line for rule in table.rules),
            ):
                save.book.note(line, LineFate.IGNORED, "read from nftables.json, which shows other rules")
    return replace(save, tables=tuple(kept))


def _remarks(book: LineBook, words: str) -> bool:
    return any(words in text for text in book.lines.values() if text.startswith("#"))


def _refuse_unchecked(saves: list[_Save], usable: dict[str, RawFile]) -> None:
    """iptables-save 1.8.9 prints native nft rules of a table of its own wrongly, and says nothing.

    Without nft's own listing beside it, no rule and no dropping policy that it shows over nft is
    believed, and a remark that it leaves something out is.
    """
    for save in saves:
        if save.over_nft and (
            any(map(_may_drop_or_translate, save.tables)) or _remarks(save.book, ONLY_NFT_SHOWS)
        ):
            raise _Unknown(
                _file_of(save, usable),
                "iptables over nft without nftables.json to check it against: install nft",
            )


def _may_drop_or_translate(table: IptablesTable) -> bool:
    policies = {policy for policy, _ in table.chains.values()}
    return bool(table.rules) or not policies <= {"ACCEPT", "-"}


def _refuse_hidden_legacy(saves: list[_Save], usable: dict[str, RawFile]) -> None:
    """Legacy tables that iptables-save names and no listing shows may translate anything."""
    for save in saves:
        file = _file_of(save, usable)
        legacy = SAVES[file.name][1]
        warned = LEGACY_PRESENT in file.stderr or _remarks(save.book, LEGACY_PRESENT)
        if legacy and legacy not in usable and warned:
            raise _Unknown(file, f"there are legacy tables, and no {legacy}")


def _file_of(save: _Save, usable: dict[str, RawFile]) -> RawFile:
    return next(file for file in usable.values() if file.path == save.book.path)


def _sets(usable: dict[str, RawFile], books: list[LineBook]) -> IpSets:
    file = usable.get("ipset.txt")
    if file is None:
        return {}
    book = LineBook(file.path, file.text)
    books.append(book)
    return read_ipset(book)


def _nft_tables(usable: dict[str, RawFile]) -> tuple[NftTable, ...]:
    file = usable.get("nftables.json")
    if file is None:
        text = usable.get("nftables.txt")
        if text is not None and text.text.strip():
            raise _Unknown(text, "there is a ruleset, and no nftables.json to read it from")
        return ()
    try:
        return tables_of(file.text)
    except NotARuleset as failure:
        raise _Unknown(file, str(failure)) from failure


def _nft_family(family: Family) -> str:
    return "ip" if family is Family.IPV4 else "ip6"


def _nft(
    usable: dict[str, RawFile], tables: tuple[NftTable, ...], covered: Collection[tuple[str, str]]
) -> tuple[NftFilters, LineBook | None]:
    json_file = usable.get("nftables.json")
    if json_file is None:
        return NftFilters(), None
    bytecode = usable.get(BYTECODE)
    checks = checks_of(bytecode.text) if bytecode else None
    return read_tables(tables, json_file, usable.get("nftables.txt"), covered, checks)


def _bytecode_book(usable: dict[str, RawFile]) -> list[LineBook]:
    if BYTECODE not in usable:
        return []
    book = LineBook(usable[BYTECODE].path, usable[BYTECODE].text)
    book.note_all(LineFate.FACT, "")
    return [book]


def _iptables(saves: list[_Save], sets: IpSets) -> IptablesFilters:
    result = IptablesFilters()
    changed = changed_sets(table for save in saves for table in save.tables)
    for save in saves:
        around = Surroundings(save.family, sets, changed, save.over_nft)
        read_iptables(save.tables, save.book, save.program, around, result)
    return result


def _translates(nft: NftFilters, tables: tuple[NftTable, ...], saves: list[_Save]) -> bool:
    """True where a NAT chain certainly exists: the kernel tracks connections for it.

    iptables over nft prints built-in chains that are not there, so its nat table counts by rules.
    """
    if any(attachment.translates for attachment in nft.attachments):
        return True
    if any(
        chain.kind == "nat" and chain.hook
        for table in tables
        if not table.dormant
        for chain in table.chains
    ):
        return True
    nat = [(save, table) for save in saves for table in save.tables if table.name == "nat"]
    return any(table.rules or not save.over_nft for save, table in nat)
