from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import segaudit.vendors.linux
from segaudit.model.device import Device
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse import parse_device

SAMPLE = Path(segaudit.vendors.linux.__file__).parent / "samples" / "policy-routing"
DEFAULT_RULES = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
    {"priority": 32767, "src": "all", "table": "default"},
]
Content = str | list[object] | dict[str, object] | None
BuildRaw = Callable[..., RawConfig]
Build = Callable[..., Device]


def text_of(content: Content) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=4)


@pytest.fixture
def linux_raw() -> BuildRaw:
    """A two-legged router (eth1, eth2) with plain rules; keywords replace files (None: leave out).

    ``status`` gives exit statuses by file name.
    """

    def build(
        replaced: dict[str, Content] | None = None, status: dict[str, int] | None = None
    ) -> RawConfig:
        contents: dict[str, Content] = {
            path.name: path.read_text(encoding="utf-8") for path in sorted(SAMPLE.iterdir())
        }
        contents["ip-rule4.json"] = [*DEFAULT_RULES]
        contents["ip-rule6.json"] = [*DEFAULT_RULES[:2]]
        contents |= replaced or {}
        files = tuple(
            RawFile(
                f"devices/policy-routing/{name}",
                text_of(content),
                "",
                exit_status=(status or {}).get(name, 0),
            )
            for name, content in sorted(contents.items())
            if content is not None
        )
        return RawConfig("policy-routing", "", files, {"site": "north"})

    return build


@pytest.fixture
def linux(linux_raw: BuildRaw) -> Build:
    """The device that ``linux_raw`` describes."""

    def build(replaced: dict[str, Content] | None = None, status: dict[str, int] | None = None) -> Device:
        return parse_device(linux_raw(replaced, status))

    return build
