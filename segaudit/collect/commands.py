"""What may be run on a device: commands that only read, by their shape.

A platform's allow-list is data of its vendor folder; this is the second lock on the same door. A
command passes where no shell could do more with it than start that one program, and the program is
one that reads.
"""

from __future__ import annotations

import re

from segaudit.model.snapshot import ShowCommand

_PLAIN = re.compile(r"(?:[A-Za-z0-9 _./:=,@%+-]|'(?:[^'\\]|\\[^'])*')+")
"""Words that a shell leaves alone, or text in single quotes (POSIX 2.2.2: nothing is special there;
in fish a backslash before the closing quote is, so that is not taken)."""

_PATH_WORD = r"[A-Za-z0-9_.:@+-]+"

_INTERFACE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"
"""Not every name that a kernel takes (``dev_valid_name``): it comes from the device, not from us."""

READ_ONLY = tuple(
    re.compile(shape)
    for shape in (
        r"uname -[a-z]+",
        # Options by name: -batch would run the commands of a file.
        r"(?:ip|bridge)(?: -[46djops]| -br| -f mpls)* [a-z0-9]+ show(?: [a-z0-9 ]+)?",
        r"ip xfrm policy show",  # not `state`, which prints keys
        r"tc(?: -[djps])* qdisc show",
        rf"tc(?: -[djps])* filter show dev {_INTERFACE}",
        r"sysctl -a(?: -r '[^']+')?",
        r"nft(?: -[ajnst]+| --debug=netlink)* list [a-z ]+",  # not -f and -i, which run commands
        r"ip6?tables(?:-legacy|-nft)?-save(?: -c)?",
        r"ipset (?:save|list)",
        r"vtysh -c 'show [^';|]+'",
        rf"cat(?: /(?:{_PATH_WORD}/)*{_PATH_WORD})+",
        r"show",  # FortiOS: the configuration
        r"(?:show|display|get) [A-Za-z0-9 _./:,@+-]+(?: \| (?:display set|display xml|no-more))*",
    )
)
"""The shapes of reading commands: Linux programs by their reading verb, and network CLIs by theirs."""


class NotReadOnly(ValueError):
    """A command that is not known to be read-only was about to be run."""


def refuse_unless_read_only(command: ShowCommand) -> None:
    """Return only where ``command`` is of a known reading shape and safe from the shell.

    Raises:
        NotReadOnly: it is not. No device is contacted.
    """
    text = command.command
    if not text.isprintable() or not any(shape.fullmatch(text) for shape in READ_ONLY):
        raise NotReadOnly(f"not a known read-only command: {text!r}")
    is_cli_filter = " | " in text and text.startswith(("show ", "display ", "get "))
    if not is_cli_filter and not _PLAIN.fullmatch(text):
        raise NotReadOnly(f"a shell would read more than one command in {text!r}")
