"""How an ASA's files are recognised: by the line in which it names itself."""

from __future__ import annotations

import re

from segaudit.model.snapshot import RawConfig
from segaudit.parse.device_files import beginning, config_files
from segaudit.parse.vendor import Claim
from segaudit.vendors.cisco_asa.platform import RUNNING_CONFIG

# "show running-config" of an ASA, a PIX and a firewall service module are of one grammar; only the first
# is read here. An FTD prints "NGFW Version".
_VERSION = re.compile(r"^ASA Version \S+", re.MULTILINE)


def looks_like_asa(text: str) -> bool:
    """True where the beginning of a file has the line ``ASA Version ...``."""
    return _VERSION.search(text) is not None


def claims(raw: RawConfig) -> Claim | None:
    """A claim where a configuration says that it is an ASA's."""
    for file in config_files(raw, RUNNING_CONFIG, looks_like_asa):
        if looks_like_asa(beginning(file)):
            return Claim("cisco_asa", f"{file.name} says ASA Version")
    return None
