from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from builders import results

from segaudit.model.flow import Family, Flow
from segaudit.report.json_result import render_json, result_schema

EVERY = sorted(results.EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_the_document_is_valid_and_the_same_each_time(name: str) -> None:
    text = render_json(results.EVERY[name]())
    assert text == render_json(results.EVERY[name]())
    document = json.loads(text)
    jsonschema.Draft202012Validator(result_schema()).validate(document)
    assert text == json.dumps(document, indent=2, sort_keys=True) + "\n"


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every schema of an object, wherever it is nested."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if schema.get("type") == "object" else []
    return here + [found for value in schema.values() for found in objects(value)]


def test_the_schema_is_sound_and_closed() -> None:
    schema = result_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert len(objects(schema)) > 20
    for found in objects(schema):
        assert found["additionalProperties"] is False
        assert sorted(found["properties"]) == found["required"]


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = json.loads(render_json(results.isolated()))
    validator = jsonschema.Draft202012Validator(result_schema())
    assert not validator.is_valid({**document, "extra": 1})
    document["verdicts"][0]["outcome"] = "PASSED"
    assert not validator.is_valid(document)


def test_a_program_finds_the_witness_with_its_lines() -> None:
    document = json.loads(render_json(results.violated()))
    verdict = next(v for v in document["verdicts"] if v["id"] == "ISO-1/forward/ipv4")
    pair = next(p for p in verdict["pairs"] if p["witness"])
    assert pair["witness"]["flow"]["destination"] == "10.10.20.5"
    assert pair["witness"]["flow"]["destination_port"] == 445
    spans = [step["span"] for step in pair["witness"]["trace"]["steps"] if step["span"]]
    assert {"file": results.SUB_NFT, "first_line": 11, "last_line": 11} in spans
    stands = {(p["source_zone"], p["destination_zone"], p["family"]): p for p in document["pairs"]}
    assert stands["sub-ot", "par-servers", "ipv4"]["standing"] == "open"
    assert stands["sub-ot", "par-servers", "ipv4"]["breaches"] == ["sub-ot-par-servers-ipv4-445"]
    assert document["policy"]["sha256"] == results.violated().policy.sha256


def test_what_failed_and_what_was_not_understood_is_in_the_document() -> None:
    document = json.loads(render_json(results.unknown()))
    devices = {device["name"]: device for device in document["devices"]}
    assert devices["sub-rt3"]["collected"] is False
    assert devices["sub-rt3"]["reason"] == "connection refused by 172.20.20.13:22"
    fates = [(line["fate"], line["bounded"]) for line in devices["sub-fw"]["lines_not_modelled"]]
    assert fates == [("unsupported", True), ("unrecognized", False)]
    assert document["headline"]["label"] == "NOT DEMONSTRATED"


def test_an_undecided_verdict_has_no_grade() -> None:
    document = json.loads(render_json(results.unknown()))
    assert [v["grade"] for v in document["verdicts"]] == [None] * 4


def test_fields_that_a_protocol_lacks_are_null() -> None:
    made = results.isolated()
    seen = made.observations[0]
    echo = Flow(Family.IPV4, 1, 1, 2, icmp_type=8)
    changed = replace(seen, probe=replace(seen.probe, flow=echo, id="0"))
    flow = json.loads(render_json(replace(made, observations=(changed,))))["observations"][0]["flow"]
    assert (flow["icmp_type"], flow["icmp_code"]) == (8, 0)
    assert flow["source_port"] is flow["destination_port"] is flow["tcp_flags"] is None


def test_hostile_text_survives_as_data() -> None:
    made = results.isolated()
    text = render_json(replace(made, authorised_by="\ud800\u202e\x00é"))
    assert text.isascii()
    assert json.loads(text)["authorised_by"] == "\ud800\u202e\x00é"
