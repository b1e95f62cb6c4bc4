"""Sets of packets as bytes, and back: DDDMP, the exchange format of decision diagrams, by oxidd.

The bytes name bits by their numbers, so they mean something only where numbers mean the same:
``encoding`` tells where that is. They are not checked; whoever keeps them sees to that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

from oxidd.util import DDDMPFile, DDMemoryError

from segaudit.documents.own_sources import digest_of_own_sources
from segaudit.errors import CapacityError
from segaudit.packets.space import HeaderField, HeaderSpace, Universe


def encoding(universe: Universe) -> str | None:
    """Equal for universes in which the same bytes are the same packets; ``None``: nowhere else.

    Address classes are divided as sets ask for it, so that codes mean something in one universe only.
    The sources are part of the name: what another version made is not read.
    """
    if universe.classes is not None:
        return None
    widths = ",".join(f"{field.value}:{universe.width(field)}" for field in HeaderField)
    return f"{digest_of_own_sources()} {universe.family.name} {widths}"


def to_bytes(spaces: Sequence[HeaderSpace]) -> bytes:
    """Some sets of one universe, at least one."""
    with _scratch() as path:
        functions = [space._function for space in spaces]
        functions[0].manager.export_dddmp(path, functions)
        return path.read_bytes()


def from_bytes(universe: Universe, data: bytes) -> list[HeaderSpace]:
    """The sets that ``to_bytes`` was given, in a universe of the same ``encoding``.

    Raises:
        ValueError: the bytes are not what ``to_bytes`` made.
        CapacityError: the sets do not fit.
    """
    with _scratch(data) as path:
        try:
            source = DDDMPFile(path)
            try:
                functions = universe.all._function.manager.import_dddmp(source)
            finally:
                source.close()
        except OSError as failure:
            raise ValueError(str(failure)) from failure
        except (DDMemoryError, MemoryError) as failure:
            raise CapacityError.because("packet sets", "the BDD node table is full") from failure
    return [HeaderSpace(universe, function) for function in functions]


@contextmanager
def _scratch(data: bytes = b"") -> Iterator[Path]:
    """A file of its own for the time of the block: the library reads and writes nothing else."""
    handle, name = mkstemp(prefix="segaudit-", suffix=".dddmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
