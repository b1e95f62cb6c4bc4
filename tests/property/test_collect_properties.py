"""What may reach a device's shell, and what no inventory error may show."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segaudit.collect.commands import READ_ONLY, NotReadOnly, refuse_unless_read_only
from segaudit.collect.credentials import parse_reference
from segaudit.collect.inventory import read_inventory
from segaudit.errors import InventoryError
from segaudit.model.snapshot import ShowCommand

PIECES = st.sampled_from(
    (
        *(
            "show",
            "version",
            "uname",
            "-n",
            "cat",
            "/etc/x",
            "ip",
            "link",
            "nft",
            "list",
            "sysctl",
            "-a",
            "-r",
        ),
        *("vtysh", "-c", "'show x'", "set", "display", "no-more", "=", " ", "  ", "\t", "\n", "\r"),
        *"'\";|&><`$()\\*?{}~#!\u00a0\u2028",
    )
)
SHAPED = st.sampled_from(READ_ONLY).flatmap(lambda shape: st.from_regex(shape, fullmatch=True))


@given(SHAPED | st.lists(PIECES, max_size=10).map(" ".join) | st.text())
@example("show x | no-more")
@example("vtysh -c 'show x'")
@settings(max_examples=400)
def test_an_accepted_command_is_one_simple_command(text: str) -> None:
    """Split as a shell splits it, an accepted command has no operator but the filters of a network CLI."""
    try:
        refuse_unless_read_only(ShowCommand("x", text))
    except NotReadOnly:
        return
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n`$\\")
    lexer.whitespace_split = True
    words = list(lexer)
    assert words
    operators = [word for word in words if set(word) <= set("();<>|&\n`$\\")]
    assert all(operator == "|" for operator in operators)
    if operators:
        assert words[0] in ("show", "display", "get")
        filters = [shlex.split(part) for part in text.split("|")[1:]]
        assert all(part in (["display", "set"], ["display", "xml"], ["no-more"]) for part in filters)


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\""), min_size=12)


@given(SECRETS, st.sampled_from(["password", "secret", "credentials", "passphrase"]))
@settings(max_examples=60, deadline=None)
def test_no_error_shows_what_stands_where_a_secret_may_stand(secret: str, key: str) -> None:
    try:
        parse_reference(secret)
        return
    except ValueError as failure:
        assert secret not in str(failure)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.yaml"
        path.write_text(f"devices:\n  r1:\n    host: h\n    platform: linux\n    {key}: '{secret}'\n")
        with pytest.raises(InventoryError) as caught:
            read_inventory(path)
        assert secret not in str(caught.value)
