"""Which vendors there are: every folder of ``segaudit.vendors`` that exposes ``VENDOR``.

Nothing names a vendor in code, so that adding one touches one folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import lru_cache
from types import ModuleType

from segaudit.errors import RunError
from segaudit.model.snapshot import Platform
from segaudit.parse.vendor import Vendor

VENDORS_PACKAGE = "segaudit.vendors"


@lru_cache(maxsize=1)
def vendors() -> tuple[Vendor, ...]:
    """Every installed vendor, by name.

    Raises:
        RunError: a vendor folder exposes no ``VENDOR``, or two share a name or platform.
    """
    return collect_vendors(_folders(importlib.import_module(VENDORS_PACKAGE)))


def collect_vendors(modules: Iterator[ModuleType]) -> tuple[Vendor, ...]:
    """The ``VENDOR`` of each of ``modules``, by name; see :func:`vendors`."""
    found: dict[str, Vendor] = {}
    for module in modules:
        vendor = getattr(module, "VENDOR", None)
        if not isinstance(vendor, Vendor):
            raise RunError.because(module.__name__, "a vendor folder must expose VENDOR: Vendor")
        if vendor.name in found:
            raise RunError.because(module.__name__, "two vendors have one name", vendor.name)
        if vendor.platform.name in {other.platform.name for other in found.values()}:
            raise RunError.because(module.__name__, "two vendors have one platform", vendor.platform.name)
        found[vendor.name] = vendor
    return tuple(found[name] for name in sorted(found))


def platforms() -> dict[str, Platform]:
    """The platform of every vendor, by platform name."""
    return {vendor.platform.name: vendor.platform for vendor in vendors()}


def _folders(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(package.__path__):
        if info.ispkg:
            yield importlib.import_module(f"{package.__name__}.{info.name}")
