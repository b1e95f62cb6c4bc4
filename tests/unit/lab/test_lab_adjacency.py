import json

from segaudit.lab.adjacency import Neighbour, Told, read_answers, still_open

V2_INTERFACES = {
    "interfaces": {
        "eth1": {"ifUp": True, "ospfEnabled": True, "networkType": "BROADCAST"},
        "eth2": {"ifUp": True, "ospfEnabled": True, "networkType": "BROADCAST", "timerPassiveIface": True},
        "eth3": {"ifUp": False, "ospfEnabled": True, "networkType": "BROADCAST"},
        "lo": {"ifUp": True, "ospfEnabled": True, "networkType": "LOOPBACK"},
    }
}
V2_NEIGHBOURS = {
    "neighbors": {
        "192.0.2.2": [
            {
                "ifaceName": "eth1:192.0.2.1",
                "nbrState": "ExStart/DR",
                "linkStateRetransmissionListCounter": 2,
            }
        ]
    }
}
V3_INTERFACES = {
    "eth0": {"status": "up", "type": "BROADCAST"},
    "eth1": {"status": "up", "type": "BROADCAST", "attachedToArea": True},
    "eth2": {"status": "up", "type": "BROADCAST", "attachedToArea": True},
    "lo": {"status": "up", "type": "LOOPBACK", "attachedToArea": True},
}
V3_NEIGHBOURS = {"192.0.2.2%eth1": {"interface": "eth1", "neighborState": "Full", "reTransListCount": 0}}
BGP = {"ipv4Unicast": {"peers": {"198.51.100.1": {"state": "Active"}}}, "ipv6Unicast": {"peers": {}}}
CONFIG = "interface eth1\n ipv6 ospf6 area 0\nexit\ninterface eth2\n ipv6 ospf6 passive\nexit\n{ not json\n"


def answers(*documents: object, config: str = "") -> str:
    return "".join(json.dumps(document, indent=2) + "\n" for document in documents) + config


def test_answers_are_told_apart_by_shape() -> None:
    told = read_answers(
        "r", answers(V2_INTERFACES, V2_NEIGHBOURS, V3_INTERFACES, V3_NEIGHBOURS, BGP, config=CONFIG)
    )
    assert told.active == {2: {"eth1"}, 3: {"eth1"}}
    assert told.neighbours == {
        2: [Neighbour("eth1", "ExStart/DR", 2)],
        3: [Neighbour("eth1", "Full", 0)],
    }
    assert told.bgp == {"198.51.100.1": "Active"}


def test_a_router_that_runs_no_such_daemon_says_nothing() -> None:
    assert read_answers("r", answers({}, config=CONFIG)) == Told("r")


def test_a_router_that_says_nothing_at_all_is_not_settled() -> None:
    assert still_open({"r": read_answers("r", "")}, []) == ["r: does not answer"]


def test_a_neighbour_is_expected_where_both_ends_speak() -> None:
    a, b, c = (Told(name) for name in "abc")
    for router in (a, b):
        router.active[2] = {"eth1"}
    a.neighbours[2] = [Neighbour("eth1", "Full/DR", 0)]
    b.neighbours[2] = [Neighbour("eth1", "Init/-", 0)]
    told = {"a": a, "b": b, "c": c}
    segments = [[("a", "eth1"), ("b", "eth1")], [("b", "eth2"), ("c", "eth1")]]
    assert still_open(told, segments) == ["b: OSPFv2 sees 0 of 1 neighbours on eth1"]
    b.neighbours[2] = [Neighbour("eth1", "Full/Backup", 1)]
    assert still_open(told, segments) == ["b: OSPFv2 sees 0 of 1 neighbours on eth1"]
    b.neighbours[2] = [Neighbour("eth1", "Full/Backup", 0)]
    assert still_open(told, segments) == []


def test_two_way_is_not_final_while_the_election_is_waiting() -> None:
    waiting = {"eth1": {"ifUp": True, "ospfEnabled": True, "networkType": "BROADCAST", "state": "Waiting"}}
    two_way = {"ifaceName": "eth1:1", "nbrState": "2-Way/DROther", "linkStateRetransmissionListCounter": 0}
    neighbours = {"neighbors": {"192.0.2.2": [two_way]}}
    routers = {name: read_answers(name, answers({"interfaces": waiting}, neighbours)) for name in "ab"}
    segment = [("a", "eth1"), ("b", "eth1")]
    assert len(still_open(routers, [segment])) == 2
    waiting["eth1"]["state"] = "DROther"
    routers = {name: read_answers(name, answers({"interfaces": waiting}, neighbours)) for name in "ab"}
    assert still_open(routers, [segment]) == []


def test_two_routers_that_are_not_designated_need_not_be_adjacent() -> None:
    routers = {name: Told(name) for name in "abc"}
    for told in routers.values():
        told.active[3] = {"eth1"}
        told.neighbours[3] = [Neighbour("eth1", "Full", 0), Neighbour("eth1", "Twoway", 0)]
    segment = [(name, "eth1") for name in routers]
    assert still_open(routers, [segment]) == []
    routers["c"].neighbours[3].pop()
    assert still_open(routers, [segment]) == ["c: OSPFv3 sees 1 of 2 neighbours on eth1"]


def test_a_bgp_session_that_is_down_is_named() -> None:
    told = Told("r", bgp={"198.51.100.1": "Active", "198.51.100.2": "Established"})
    assert still_open({"r": told}, []) == ["r: BGP peer 198.51.100.1 is Active"]
