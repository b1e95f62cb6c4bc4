"""How many lines of the corpora each platform understands: ``python -m tests.corpora.coverage``.

Writes docs/vendors.md from what the readers say; nothing in it is typed. Every file that exactly one
platform claims is read as a device of its own. The corpora are those of ``SEGAUDIT_CORPORA``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path

from segaudit.errors import SegauditError
from segaudit.model.snapshot import RawConfig, RawFile
from segaudit.parse import Vendor, vendors

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("SEGAUDIT_CORPORA", ROOT.parent / "shared" / "corpora"))
PAGE = ROOT / "docs" / "vendors.md"

_NO_CONFIGURATION = frozenset({".json", ".yml", ".yaml", ".csv", ".md", ".py", ".t", ".png", ".gz", ".tf"})
_LARGEST_BYTES = 20_000_000

_HEAD = """# What is read, and how much of it

Written by `python -m tests.corpora.coverage` (`SEGAUDIT_CORPORA` names the corpora); change the readers,
not this page. `segaudit vendors` prints the commands of each platform.

| platform | read | Netmiko device type |
|---|---|---|
"""

_COVERAGE = """
## Lines of the corpora

Every file that exactly one platform claims, read as a device of its own. A line ends as a *fact* of the
model, *ignored* with a reason why it cannot matter, *unsupported* (understood, not modelled) or
*unrecognized*. The last two become assumptions of a proof where the model does not already allow for
everything they could mean; a device without such a line is *clean* (one whose file does not end as its
platform's do is not). *Refused* files say why; *broken* ones are bugs of a reader. Many of these files are
grammar tests that hold what no device takes.

| platform | corpus | files | clean | refused | broken | lines | fact | ignored | unsupported | unread |
|---|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass(slots=True)
class Coverage:
    """Counts of files and lines."""

    files: int = 0
    clean: int = 0
    refused: int = 0
    broken: int = 0
    fact: int = 0
    ignored: int = 0
    unsupported: int = 0
    unrecognized: int = 0

    def add(self, other: Coverage) -> None:
        """Count ``other`` in."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def lines(self) -> int:
        """All lines of the files that were read."""
        return self.fact + self.ignored + self.unsupported + self.unrecognized


def tell(text: str) -> None:
    """A remark for whoever runs the command."""
    sys.stderr.write(f"{text}\n")


def read(vendor: Vendor, raw: RawConfig) -> Coverage:
    """What became of one device's lines."""
    try:
        device = vendor.read(raw)
    except SegauditError:
        return Coverage(files=1, refused=1)
    except Exception as bug:  # counted, and told; one reader's bug must not hide the others' figures
        tell(f"{vendor.name} broke on {raw.files[0].path}: {type(bug).__name__}: {bug}")
        return Coverage(files=1, broken=1)
    found = Coverage(files=1, clean=int(all(line.bounded for line in device.lines)))
    for tally in device.tallies:
        counts = (tally.fact, tally.ignored, tally.unsupported, tally.unrecognized)
        found.add(Coverage(0, 0, 0, 0, *counts))
    return found


def of_file(path: Path) -> tuple[str, str, Coverage] | None:
    """Platform, corpus and counts of one file; ``None`` where no platform or several claim it."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    raw = RawConfig(path.stem, "", (RawFile(f"devices/{path.stem}/{path.name}", text, ""),))
    claimants = [vendor for vendor in vendors() if vendor.claims(raw)]
    if len(claimants) != 1:
        return None
    return claimants[0].platform.name, path.relative_to(CORPORA).parts[0], read(claimants[0], raw)


def corpus_files() -> list[Path]:
    """Every file that may be a configuration."""
    return sorted(
        path
        for path in CORPORA.rglob("*")
        if path.is_file()
        and path.suffix not in _NO_CONFIGURATION
        and path.stat().st_size <= _LARGEST_BYTES
        and "truth" not in path.relative_to(CORPORA).parts
    )


def measured(files: Sequence[Path]) -> dict[tuple[str, str], Coverage]:
    """Counts by platform and corpus."""
    found: dict[tuple[str, str], Coverage] = {}
    for path in files:
        result = of_file(path)
        if result is not None:
            platform, corpus, counts = result
            found.setdefault((platform, corpus), Coverage()).add(counts)
    return found


def page(found: dict[tuple[str, str], Coverage]) -> str:
    """The whole of docs/vendors.md."""
    return _HEAD + "\n".join(_platforms()) + "\n" + _COVERAGE + "\n".join(_rows(found)) + "\n"


def _platforms() -> Iterator[str]:
    for vendor in sorted(vendors(), key=lambda one: one.platform.name):
        said = (import_module(f"segaudit.vendors.{vendor.name}").__doc__ or "").strip().split("\n")[0]
        yield f"| {vendor.platform.name} | {said} | `{vendor.platform.netmiko_device_type}` |"


def _rows(found: dict[tuple[str, str], Coverage]) -> Iterator[str]:
    for platform in sorted({name for name, _ in found}):
        own = [(corpus, found[name, corpus]) for name, corpus in sorted(found) if name == platform]
        total = Coverage()
        for corpus, counts in own:
            total.add(counts)
            yield _row(platform, corpus, counts)
        if len(own) > 1:
            yield _row(f"**{platform}**", "all", total)


def _row(platform: str, corpus: str, counts: Coverage) -> str:
    shares = [
        f"{100 * part / counts.lines:.1f} %" if counts.lines else "-"
        for part in (counts.fact, counts.ignored, counts.unsupported, counts.unrecognized)
    ]
    numbers = (counts.files, counts.clean, counts.refused, counts.broken, counts.lines)
    return "| " + " | ".join([platform, corpus, *map(str, numbers), *shares]) + " |"


def main(arguments: Iterable[str]) -> int:
    """Write the page; with ``-`` print it instead."""
    if not CORPORA.is_dir():
        tell(f"no corpora at {CORPORA}: set SEGAUDIT_CORPORA")
        return 2
    text = page(measured(corpus_files()))
    if "-" in arguments:
        sys.stdout.write(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
