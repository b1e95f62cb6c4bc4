from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from builders import results

from segaudit.model.flow import Family
from segaudit.model.result import RunResult
from segaudit.model.verdict import AppliedFilter, Region, RegionCrossing, RegionGraph
from segaudit.report.html import render_html
from segaudit.report.json_result import render_json, result_schema
from segaudit.report.regions import MOST_NODES, Drawing, drawings

FORWARD = AppliedFilter("inet filter forward", results.span(results.SUB_NFT, 9))


def both_ways(
    device: str, one: str, other: str, passes: tuple[str, str] = ("some", "some")
) -> list[RegionCrossing]:
    return [
        RegionCrossing(device, one, other, passes[0], (FORWARD,)),
        RegionCrossing(device, other, one, passes[1], (FORWARD,)),
    ]


def in_a_row(family: Family = Family.IPV4, closed: bool = True) -> RegionGraph:
    """sub-lan - sub-fw - a link - par-fw - par-core, a dead end at sub-fw, and the internet beside."""
    regions = (
        Region("R1", ("sub-lan",), ("sub-rt1:eth4",)),
        Region("R2", ("unassigned",), ("sub-fw:eth3", "par-fw:eth3")),
        Region("R3", ("par-core",), ("par-core1:eth1",)),
        Region("R4", ("unassigned",), ("sub-fw:eth0",)),
        Region("R5", ("internet",), ("internet:eth1",), internet=True),
    )
    crossings = [
        *both_ways("sub-fw", "R1", "R2", ("none" if closed else "some", "some")),
        *both_ways("sub-fw", "R1", "R4"),
        *both_ways("sub-fw", "R2", "R5", ("none", "none")),
        *both_ways("par-fw", "R2", "R3"),
        *both_ways("par-fw", "R3", "R5", ("some", "none")),
    ]
    return RegionGraph(family, regions, tuple(crossings))


def with_regions(*graphs: RegionGraph) -> RunResult:
    return replace(results.isolated(), regions=graphs)


def drawn(graph: RegionGraph) -> Drawing:
    (found,) = drawings(with_regions(graph))
    return found


def test_without_regions_the_report_says_so() -> None:
    assert drawings(results.isolated()) == ()
    assert "The regions were not computed" in render_html(results.isolated())


def test_it_says_which_devices_stand_on_every_way_in_the_order_of_the_way() -> None:
    said = " ".join(drawn(in_a_row()).said)
    assert "Every way between the two sides passes sub-fw, par-fw." in said
    assert "From subsidiary to parent nothing passes every filter of any way" in said
    assert "From parent to subsidiary each filter of some way passes some packets" in said


def test_what_only_arrives_leads_no_further() -> None:
    """sub-fw answers on its address of the link, and forwards nothing there."""
    graph = in_a_row()
    arriving = RegionCrossing("sub-fw", "R1", "R2", "some", (FORWARD,), onward=False)
    changed = tuple(
        arriving if (one.source, one.destination) == ("R1", "R2") else one for one in graph.crossings
    )
    assert "nothing passes every filter" in " ".join(drawn(replace(graph, crossings=changed)).said)
    direct = RegionCrossing("sub-fw", "R1", "R3", "some", (FORWARD,), onward=False)
    there = drawn(replace(graph, crossings=(*changed, direct)))
    assert "From subsidiary to parent each filter of some way" in " ".join(there.said)


def test_a_shared_region_is_no_isolation_by_filters() -> None:
    graph = RegionGraph(Family.IPV4, (Region("R1", ("par-core", "sub-lan"), ("x:eth1",)),), ())
    assert "share a region: no filter stands between" in " ".join(drawn(graph).said)


def test_sides_that_no_device_joins_are_drawn_apart() -> None:
    graph = in_a_row()
    apart = replace(graph, crossings=tuple(one for one in graph.crossings if one.device == "sub-fw"))
    found = drawn(apart)
    assert "No device joins the two sides." in found.said
    assert {box.name for box in found.boxes} >= {"R1", "R3"}


def test_the_sides_are_at_the_ends_and_dead_ends_are_left_out() -> None:
    found = drawn(in_a_row())
    at = {box.name: box for box in found.boxes}
    assert "R4" not in at
    assert at["R1"].x < at["sub-fw"].x < at["R2"].x < at["par-fw"].x < at["R3"].x
    assert (at["R1"].kind, at["R3"].kind, at["R5"].kind) == ("near", "far", "internet")
    assert at["sub-fw"].lines[0] == "sub-fw"
    assert "nftables.txt:9" in at["sub-fw"].lines[-1]
    assert f"inet filter forward {FORWARD.span}" in at["sub-fw"].title


def test_boxes_do_not_overlap_and_stay_inside() -> None:
    for graph in (in_a_row(), starry(12)):
        found = drawn(graph)
        for box in found.boxes:
            assert box.x >= 0 and box.x + box.width <= found.width
            assert box.y >= 0 and box.y + box.height <= found.height
            for other in found.boxes:
                apart = abs(box.x - other.x) >= box.width or abs(box.y - other.y) >= box.height
                assert box is other or apart, (box, other)


def starry(leaves: int) -> RegionGraph:
    """Many regions of sub-lan, each behind a router of its own, and one of par-core."""
    regions = [Region("R1", ("par-core",), ("c:eth0",)), Region("R2", (), ("hub:eth0",))]
    crossings = both_ways("fw", "R1", "R2")
    for number in range(leaves):
        regions.append(Region(f"L{number:03}", ("sub-lan",), (f"rt{number:03}:eth1",)))
        crossings += both_ways(f"rt{number:03}", f"L{number:03}", "R2")
    return RegionGraph(Family.IPV4, tuple(regions), tuple(crossings))


def test_a_large_network_is_folded_and_what_is_left_out_is_counted() -> None:
    found = drawn(starry(300))
    assert len(found.boxes) <= MOST_NODES + 2
    assert found.left_out > 200
    assert {"fw", "R1", "R2"} <= {box.name for box in found.boxes}
    assert f"{found.left_out} regions further from the two sides" in render_html(with_regions(starry(300)))


def test_regions_alike_are_one_box() -> None:
    regions = [Region("R1", ("par-core",), ("c:eth0",)), Region("R2", ("sub-lan",), ("a:eth1",))]
    regions.append(Region("R3", ("sub-lan",), ("a:eth2",)))
    crossings = (*both_ways("fw", "R1", "R2"), *both_ways("fw", "R1", "R3"))
    found = drawn(RegionGraph(Family.IPV4, tuple(regions), crossings))
    (box,) = (box for box in found.boxes if box.kind == "near")
    assert box.lines == ("sub-lan", "a:eth1 +1")


def test_families_alike_are_drawn_once() -> None:
    assert len(drawings(with_regions(in_a_row(), in_a_row(Family.IPV6)))) == 1
    assert len(drawings(with_regions(in_a_row(), in_a_row(Family.IPV6, closed=False)))) == 2


@pytest.mark.parametrize("closed", [True, False])
def test_the_page_and_the_document_hold_it(closed: bool) -> None:
    made = with_regions(in_a_row(), in_a_row(Family.IPV6, closed))
    page = render_html(made)
    assert page == render_html(made)
    assert page.count('class="regions"') == (1 if closed else 2)
    document = json.loads(render_json(made))
    jsonschema.Draft202012Validator(result_schema()).validate(document)
    (first, _) = document["regions"]
    assert first["crossings"][0]["filters"][0]["span"]["first_line"] == 9
    assert first["regions"][0]["zones"] == ["sub-lan"]


def test_hostile_names_stay_text() -> None:
    hostile = Region("R1", ("sub-lan",), ('x:"><script>alert(1)</script>',))
    graph = in_a_row()
    page = render_html(with_regions(replace(graph, regions=(hostile, *graph.regions[1:]))))
    assert "<script" not in page
