"""Which vendor reads a device. Refuses rather than guesses."""

from __future__ import annotations

from collections.abc import Sequence

from segaudit.documents.yaml_nodes import did_you_mean
from segaudit.errors import Problem, SnapshotError
from segaudit.model.snapshot import RawConfig
from segaudit.parse.vendor import Claim, Vendor


def detect(raw: RawConfig, vendors: Sequence[Vendor]) -> Vendor:
    """The one vendor that reads ``raw``.

    A platform stated in the manifest wins, unless the files are claimed by others only.

    Raises:
        SnapshotError: no vendor or several claim the files, the stated platform is unknown, or
            the files contradict it.
    """
    claims = [(vendor, claim) for vendor in vendors if (claim := vendor.claims(raw))]
    if raw.platform:
        return _stated(raw, vendors, claims)
    if len(claims) == 1:
        return claims[0][0]
    if claims:
        raise _refusal(
            raw,
            "several platforms claim this device",
            _candidates(claims),
            "state the platform in the manifest",
        )
    known = ", ".join(vendor.platform.name for vendor in vendors) or "none"
    raise _refusal(
        raw, "no platform claims this device", _files(raw), f"platforms that can be read: {known}"
    )


def _stated(raw: RawConfig, vendors: Sequence[Vendor], claims: Sequence[tuple[Vendor, Claim]]) -> Vendor:
    by_platform = {vendor.platform.name: vendor for vendor in vendors}
    vendor = by_platform.get(raw.platform)
    if vendor is None:
        raise _refusal(raw, "unknown platform", raw.platform, did_you_mean(raw.platform, by_platform))
    if claims and vendor.name not in {claimant.name for claimant, _ in claims}:
        raise _refusal(
            raw,
            f"the files are not those of the stated platform {raw.platform!r}",
            _candidates(claims),
            "correct the platform, or the files",
        )
    return vendor


def _refusal(raw: RawConfig, what: str, value: str, hint: str) -> SnapshotError:
    return SnapshotError(Problem(f"device {raw.device!r}", what, value, hint))


def _candidates(claims: Sequence[tuple[Vendor, Claim]]) -> str:
    return "; ".join(f"{vendor.platform.name} ({claim.reason})" for vendor, claim in claims)


def _files(raw: RawConfig) -> str:
    names = sorted(file.path for file in raw.files)
    shown = ", ".join(names[:6])
    return (f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown) or "no files"
