"""Whatever a device sends, its reader answers with a device or a SnapshotError: never another error.

And a file that was damaged never reads like a healthy device that happens to have less in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import segaudit.vendors.linux
from segaudit.errors import SnapshotError
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse import parse_device

SAMPLES = Path(segaudit.vendors.linux.__file__).parent / "samples"
FILES = {
    (folder.name, path.name): path.read_text(encoding="utf-8")
    for folder in sorted(SAMPLES.iterdir())
    if folder.is_dir()
    for path in sorted(folder.iterdir())
}
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(["10.0.0.0/8", "::1"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NOISE = st.sampled_from(
    ["\x1b[?2004l", "\r\n", "{", "]", "\x00", '"', ",", "9" * 5000, "% Unknown command\n", "\t"]
)


def device_or_refusal(name: str, replaced: str, text: str) -> Device | None:
    files = [
        RawFile(f"devices/{sample}/{file}", text if file == replaced else content, "")
        for (sample, file), content in FILES.items()
        if sample == name
    ]
    raw = RawConfig(name, "linux", tuple(files))
    try:
        device = parse_device(raw)
    except SnapshotError as refusal:
        assert f"devices/{name}/" in str(refusal)
        return None
    totals = {tally.file: tally.total for tally in device.tallies}
    for file in raw.files:
        assert totals[file.path] == sum(1 for line in file.text.split("\n") if line.strip()), file.path
    return device


@given(st.sampled_from(sorted(FILES)), st.data())
@settings(deadline=None)
def test_damaged_text(which: tuple[str, str], data: st.DataObject) -> None:
    text = FILES[which]
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 40)))
    device_or_refusal(*which, text[:at] + data.draw(st.one_of(NOISE, st.text(max_size=5))) + text[until:])


@given(st.sampled_from(sorted(key for key in FILES if key[1].endswith(".json"))), st.data())
@settings(deadline=None)
def test_values_of_the_wrong_kind(which: tuple[str, str], data: st.DataObject) -> None:
    document = json.loads(FILES[which])
    if isinstance(document, list) and document:
        element = data.draw(st.integers(0, len(document) - 1))
        keys = sorted(document[element])
        if keys:
            document[element][data.draw(st.sampled_from(keys))] = data.draw(VALUES)
    else:
        document = data.draw(VALUES)
    device_or_refusal(*which, json.dumps(document, indent=1))


TABLES = sorted(key for key in FILES if key[1].startswith("ip-") and key[1].endswith(".json"))


@given(st.sampled_from(TABLES), st.data())
@settings(deadline=None)
def test_a_truncated_table_is_refused_or_doubtful(which: tuple[str, str], data: st.DataObject) -> None:
    text = FILES[which]
    end = text.rstrip().rfind("]")
    device = device_or_refusal(*which, text[: data.draw(st.integers(1, max(1, end)))])
    if device is not None:
        assert [line for line in device.lines if not line.bounded], which
