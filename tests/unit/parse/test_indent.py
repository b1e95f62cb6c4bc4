from __future__ import annotations

from segaudit.parse.indent import Block, banner, blocks, tokenise, walk

FRR = """\
frr version 8.4.4
!
interface eth1
 ip address 192.0.2.1/24
 !
 ip ospf area 0
exit
!
router bgp 64512
 neighbor 192.0.2.2 remote-as 64513
 !
 address-family ipv4 unicast
  network 10.0.0.0/8
 exit-address-family
exit
!
end
"""


def heads(tree: tuple[Block, ...]) -> list[str]:
    return [block.text for block in tree if not block.line.is_comment]


def shape(text: str) -> list[tuple[int, str, list[str]]]:
    tree = blocks(tokenise(text))
    return [
        (block.number, block.text, heads(block.children)) for block in tree if not block.line.is_comment
    ]


def test_blocks_follow_the_indent() -> None:
    assert shape(FRR) == [
        (1, "frr version 8.4.4", []),
        (3, "interface eth1", ["ip address 192.0.2.1/24", "ip ospf area 0"]),
        (7, "exit", []),
        (
            9,
            "router bgp 64512",
            ["neighbor 192.0.2.2 remote-as 64513", "address-family ipv4 unicast", "exit-address-family"],
        ),
        (15, "exit", []),
        (17, "end", []),
    ]


def test_a_block_ends_with_its_last_line_not_with_the_separator() -> None:
    tree = blocks(tokenise(FRR))
    ends = {block.text: block.last_number for block in walk(tree)}
    assert ends["interface eth1"] == 6
    assert ends["router bgp 64512"] == 14
    assert ends["address-family ipv4 unicast"] == 13


def test_a_comment_closes_nothing() -> None:
    assert shape("interface eth1\n! note\n ip address 192.0.2.1/24\n") == [
        (1, "interface eth1", ["ip address 192.0.2.1/24"])
    ]


def test_every_line_is_in_the_tree_once() -> None:
    numbers = [block.number for block in walk(blocks(tokenise(FRR)))]
    assert sorted(numbers) == list(range(1, 18))


def test_tabs_count_to_the_next_eight() -> None:
    assert shape("a\n\tb\n        c\n  \td\n") == [(1, "a", ["b", "c", "d"])]


def test_crlf_and_trailing_blanks_are_kept_apart() -> None:
    (line,) = tokenise(" description x  \r\n")
    assert (line.indent, line.text, line.ending) == (" ", "description x", "  \r\n")


def test_only_line_feeds_end_lines() -> None:
    assert [line.text for line in tokenise("a\u2028b\x0bc\nd")] == ["a\u2028b\x0bc", "d"]


def test_banner_text_is_quoted() -> None:
    text = "banner motd ^C\ninterface eth9\n shutdown\n^C\ninterface eth1\n"
    tree = blocks(tokenise(text), banner)
    assert heads(tree) == ["banner motd ^C", "interface eth1"]
    assert [line.text for line in tree[0].literal] == ["interface eth9", "shutdown", "^C"]
    assert tree[0].last_number == 4


def test_a_banner_on_one_line_quotes_nothing_more() -> None:
    tree = blocks(tokenise("banner login #keep out#\nhostname r1\n"), banner)
    assert heads(tree) == ["banner login #keep out#", "hostname r1"]


def test_a_banner_without_end_runs_to_the_end() -> None:
    tree = blocks(tokenise("banner motd @\na\nb"), banner)
    assert [len(block.literal) for block in tree] == [2]


def test_very_deep_configs_are_read() -> None:
    text = "".join(" " * depth + "x\n" for depth in range(3000))
    assert sum(1 for _ in walk(blocks(tokenise(text)))) == 3000
