"""IOS and IOS-XE as a dialect of the Cisco-style toolkit: its defaults are the toolkit's."""

from __future__ import annotations

from segaudit.parse.cisco.dialect import Dialect

IOS = Dialect(name="ios")
