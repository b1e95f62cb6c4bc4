from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from segaudit.errors import PolicyError
from segaudit.policy import parse_policy, policy_schema, policy_schema_text
from segaudit.policy.schema import SCHEMA_FILE

REPOSITORY = Path(__file__).parents[3]
POLICY = (
    (Path(__file__).parent / "test_policy_read.py")
    .read_text(encoding="utf-8")
    .split('"""')[1]
    .lstrip("\\\n")
)
FREE = {"services": "names of services", "zones": "names of zones"}
"""Mappings whose keys are the user's own."""


def as_text(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)


def valid(document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(policy_schema()).is_valid(document))


def mappings(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(document, dict):
        yield path
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from mappings(value, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_the_published_file_is_what_the_reader_understands() -> None:
    published = files("segaudit.policy").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    assert published == policy_schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(published))


@pytest.mark.parametrize(
    "load", [as_text, lambda text: yaml.load(text, Loader=yaml.BaseLoader) | {"version": 1}]
)
def test_a_readable_policy_satisfies_it(load: Any) -> None:
    parse_policy(POLICY.encode(), "policy.yaml")
    assert valid(load(POLICY))


def test_types_as_an_editor_sees_them_satisfy_it() -> None:
    document = as_text(POLICY)
    document["version"] = 1
    document["flows"][0]["must_work"] = True
    document["zones"]["branch-lan"]["members"][1]["vlan"] = 20
    assert valid(document)


def test_every_policy_of_the_project_satisfies_it() -> None:
    paths = sorted(
        [*REPOSITORY.glob("topologies/*/policy.yaml"), *REPOSITORY.glob("labs/*/overlay/policy.yaml")]
    )
    for path in paths:
        parse_policy(path.read_bytes(), path.name)
        assert valid(as_text(path.read_text(encoding="utf-8"))), path


def mutations() -> Iterator[tuple[tuple[Any, ...], str]]:
    document = as_text(POLICY)
    for path in mappings(document):
        if not (len(path) == 1 and path[0] in FREE):
            yield from ((path, key) for key in at(document, path))


@pytest.mark.parametrize(("path", "key"), list(mutations()), ids=str)
def test_a_misspelt_key_fails_both_schema_and_reader(path: tuple[Any, ...], key: str) -> None:
    document = copy.deepcopy(as_text(POLICY))
    mapping = at(document, path)
    mapping[f"{key}x"] = mapping.pop(key)
    assert not valid(document)
    with pytest.raises(PolicyError, match="unknown key in"):
        parse_policy(yaml.safe_dump(document).encode(), "policy.yaml")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "2"),
        (("zones",), {}),
        (("zones", "branch-lan", "members"), []),
        (("zones", "branch-lan", "owner"), " "),
        (("zones", "branch-lan", "members", 1, "vlan"), "twenty"),
        (("zones", "internet"), {"side": "parent", "members": [{"device": "isp"}]}),
        (("zones", "unassigned"), {"owner": "x", "members": [{"device": "isp"}]}),
        (("services", "dns"), ["dns"]),
        (("services", "dns"), []),
        (("isolation", 0, "direction"), "outbound"),
        (("isolation", 0, "families"), []),
        (("isolation", 0, "severity"), "urgent"),
        (("isolation", 0, "evidence", "max_age"), "35"),
        (("flows", 0, "must_work"), "yes"),
        (("flows", 0, "expires"), "31.12.2026"),
        (("flows", 0, "services"), []),
        (("exceptions", 0, "expires"), "never"),
        (("assumptions", 0, "claim"), "trust-me"),
        (("assumptions", 0, "about"), {}),
    ],
    ids=str,
)
def test_a_bad_value_fails_both_schema_and_reader(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(as_text(POLICY))
    at(document, path[:-1])[path[-1]] = value
    assert not valid(document)
    with pytest.raises(PolicyError):
        parse_policy(yaml.safe_dump(document).encode(), "policy.yaml")


def test_the_example_of_the_reference_is_readable() -> None:
    page = (REPOSITORY / "docs" / "policy-language.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    parse_policy(example.encode(), "policy.yaml")
    assert valid(as_text(example))
