import pytest

from segaudit.lab import frr


def test_daemons_follow_from_the_sections_of_a_config() -> None:
    config = (
        "hostname r\n!\ninterface eth1\n ip ospf area 0\n ipv6 ospf6 area 0\nexit\n"
        "router bgp 65001\n neighbor 192.0.2.1 remote-as 65002\n!\n"
    )
    assert frr.daemons_of_config(config) == {"bgpd", "ospfd", "ospf6d"}
    assert frr.daemons_of_config("router ospf6\n") == {"ospf6d"}
    assert frr.daemons_of_config("! router ospf\nip route 192.0.2.0/24 blackhole\n") == set()


def test_a_daemons_file_gives_daemons_in_start_order_and_their_options() -> None:
    settings = frr.settings_of_daemons_file(
        "# a comment\nospfd=yes\nbgpd=no\nexport bfdd=1  # trailing\nripd=0\nisisd=\n"
        "zebra_options=\"  -A 127.0.0.1 -s 1000\"\nospfd_options='-A ::1'\n"
        'frr_global_options="--log stdout"\n'
    )
    assert frr.enabled_daemons(settings) == ["zebra", "mgmtd", "staticd", "ospfd", "bfdd"]
    assert frr.start_command("zebra", settings)[1:] == [
        "-d", "--log", "stdout", "-F", "traditional", "-A", "127.0.0.1", "-s", "1000"
    ]  # fmt: skip
    assert frr.start_command("ospfd", settings)[-2:] == ["-A", "::1"]
    assert frr.start_command("staticd", settings)[-2:] == ["-A", "127.0.0.1"]


@pytest.mark.parametrize(
    ("profile", "word"), [("frr_profile=datacenter\n", "datacenter"), ("", "traditional")]
)
def test_the_profile_is_passed_on(profile: str, word: str) -> None:
    command = frr.start_command("zebra", frr.settings_of_daemons_file(profile))
    assert command[command.index("-F") + 1] == word


def test_a_quote_that_is_not_closed_is_no_crash() -> None:
    assert frr.settings_of_daemons_file('zebra_options="-A 127.0.0.1\nospfd=yes\n') == {
        "zebra_options": "-A 127.0.0.1",
        "ospfd": "yes",
    }
