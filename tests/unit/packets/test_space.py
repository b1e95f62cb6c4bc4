from segaudit.model.flow import Family, Flow
from segaudit.packets import HeaderField, Universe


def test_a_range_holds_its_ends_and_no_more() -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    ports = universe.ranges(HeaderField.DESTINATION_PORT, [(22, 25), (80, 80), (65535, 65535)])
    for port in (21, 22, 25, 26, 79, 80, 81, 65534, 65535):
        one = universe.value(HeaderField.DESTINATION_PORT, port)
        assert (one & ports).is_empty is (port not in (22, 23, 24, 25, 80, 65535))


def test_an_empty_or_reversed_range_is_nothing() -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    assert universe.ranges(HeaderField.SOURCE_PORT, []).is_empty
    assert universe.ranges(HeaderField.SOURCE_PORT, [(5, 4)]).is_empty


def test_the_whole_range_is_everything() -> None:
    universe = Universe(Family.IPV6, 1 << 16)
    assert universe.ranges(HeaderField.SOURCE, [(0, (1 << 128) - 1)]) == universe.all


def test_a_sample_is_a_member_and_follows_preferences() -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    web = universe.ranges(HeaderField.DESTINATION_PORT, [(80, 90)])
    tcp = universe.value(HeaderField.PROTOCOL, 6)
    impossible = universe.value(HeaderField.DESTINATION_PORT, 7)
    flow = web.sample([tcp, impossible, universe.value(HeaderField.DESTINATION_PORT, 85)])
    assert flow is not None
    assert universe.flow(flow).is_subset(web)
    assert (flow.protocol, flow.destination_port) == (6, 85)
    assert universe.none.sample() is None


def test_a_flow_is_read_back_as_written() -> None:
    universe = Universe(Family.IPV6, 1 << 16)
    flow = Flow(Family.IPV6, 6, 1 << 127 | 5, 77, 40000, 443, 0, 0, 18, True)
    assert universe.flow(flow).sample() == flow


def test_forgetting_a_field_keeps_the_others() -> None:
    universe = Universe(Family.IPV4, 1 << 16)
    flow = Flow(Family.IPV4, 17, 1, 2, 3, 4)
    loose = universe.flow(flow).without(HeaderField.SOURCE)
    assert universe.flow(Flow(Family.IPV4, 17, 9, 2, 3, 4)).is_subset(loose)
    assert (universe.flow(Flow(Family.IPV4, 17, 9, 3, 3, 4)) & loose).is_empty
