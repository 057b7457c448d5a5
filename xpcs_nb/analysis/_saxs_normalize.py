"""Normalise curves of SAXS by what they were measured with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from xpcs_nb.analysis._saxs_curve import Measured, scaled
from xpcs_nb.core import Metadata
from xpcs_nb.errors import MissingKeyError, OptionError

__all__ = ["Quantity", "normalize_saxs"]

Quantity = Literal["transmission", "flux", "thickness", "exposure"]
#: Endings of the entries of metadata that hold a quantity (thickness in mm).
ENTRIES: dict[str, tuple[str, ...]] = {
    "flux": ("/incident_beam/incident_beam_intensity", "/beam_intensity_incident"),
    "transmitted": ("/incident_beam/transmitted_beam_intensity", "/beam_intensity_transmitted"),
    "thickness": ("/sample/thickness", "/sample_thickness"),
    "exposure": ("/detector_1/count_time", "/detector/exposure_time", "/metadata/exposure_time"),
}
#: A sample that lets less through gives no SAXS; some files hold a dummy.
LEAST_TRANSMISSION = 1e-3


def normalize_saxs(
    curve: xr.Dataset,
    metadata: xr.DataTree | Metadata | Mapping[str, Any] | None = None,
    *,
    by: Sequence[Quantity] = ("transmission", "flux", "thickness", "exposure"),
    transmission: Measured | None = None,
    flux: Measured | None = None,
    thickness: Measured | None = None,
    exposure: Measured | None = None,
) -> xr.Dataset:
    r"""Divide a curve by what was measured with: :math:`I / (T \Phi\, d\, t)`.

    A quantity of `by` that is not given is looked up in the metadata. One that is in neither is an error, as is a value
    that can't be one: nothing is taken to be 1.

    Parameters
    ----------
    curve
        What `integrate_wedge` or `integrate_ring` returned.
    metadata
        The result, its metadata file's content (`Metadata`), or a mapping of entries by path.
    by
        What to divide by.
    transmission
        Of the sample, 0 to 1. Metadata: transmitted over incident intensity.
    flux
        Incident intensity :math:`\Phi`: photons/s, or the monitor's units (a standard then makes it absolute).
    thickness
        Of the sample, mm (the curve is divided by it in cm).
    exposure
        Of a frame, s. Metadata: ``count_time``.

    Each may be (value, standard error): the relative errors add in quadrature to ``scale_err``, which all points share.

    Returns
    -------
    xarray.Dataset
        The curve in its new units; ``attrs["steps"]`` lists what was done.

    Raises
    ------
    MissingKeyError
        If a quantity is not known; the message names it.
    OptionError
        If a value can't be used, or the curve was divided by it before.
    """
    given = {"transmission": transmission, "flux": flux, "thickness": thickness, "exposure": exposure}
    unknown = [name for name in by if name not in get_args(Quantity)]
    idle = [name for name, value in given.items() if value is not None and name not in by]
    if unknown or idle:
        raise OptionError("by can't be used", got=", ".join(map(repr, by)), expected=", ".join(get_args(Quantity)))
    entries = _entries(metadata)
    for name in by:
        if name in curve.attrs.get("normalized_by", ()):
            raise OptionError("the curve was divided by it before", where=name, got=curve.attrs["normalized_by"])
        asked = given[name]
        value, error = _from_metadata(name, entries) if asked is None else _measured(name, asked)
        curve = _divided(curve, name, value, error, from_metadata=asked is None)
    return curve


def _entries(metadata: xr.DataTree | Metadata | Mapping[str, Any] | None) -> Mapping[Any, Any]:
    if isinstance(metadata, xr.DataTree):
        return metadata.root["metadata"].attrs if "metadata" in metadata.root.children else {}
    return metadata.values if isinstance(metadata, Metadata) else metadata or {}


def _measured(name: str, value: Measured) -> tuple[float, float]:
    number, error = (float(part) for part in (value if isinstance(value, tuple) else (value, 0.0)))
    highest = 1.0 if name == "transmission" else np.inf
    if not (0 < number <= highest and np.isfinite(number) and 0 <= error < np.inf):
        raise OptionError(
            f"{name} can't be used", got=value, expected="a positive number" + ", at most 1" * (highest == 1)
        )
    return number, error / number


def _from_metadata(name: str, entries: Mapping[Any, Any]) -> tuple[float, float]:
    if name != "transmission":
        return _measured(name, _entry(name, name, entries))
    incident, through = _entry("flux", name, entries), _entry("transmitted", name, entries)
    if not (incident > 0 and LEAST_TRANSMISSION <= through / incident <= 1):
        raise MissingKeyError(
            "the metadata give no transmission",
            got=f"transmitted intensity {through:g}, incident {incident:g}",
            expected=f"a ratio of {LEAST_TRANSMISSION:g} to 1",
            hint="Give transmission=.",
        )
    return through / incident, 0.0


def _entry(which: str, name: str, entries: Mapping[Any, Any]) -> float:
    found = [value for key, value in entries.items() if str(key).endswith(ENTRIES[which])]
    if not found:
        raise MissingKeyError(
            f"{name} is not known",
            expected=" or ".join(f"an entry *{ending}" for ending in ENTRIES[which]) + " in the metadata",
            hint=f"Give {name}=, or leave it out of `by`.",
        )
    return float(found[0])


def _divided(curve: xr.Dataset, name: str, value: float, error: float, *, from_metadata: bool) -> xr.Dataset:
    old = str(curve["intensity"].attrs["units"])
    units = {
        "transmission": old,
        "flux": f"{old}/flux",
        "thickness": f"{old}/cm",
        "exposure": old.replace("/frame", "/s"),
    }[name]
    unit = {"transmission": "", "flux": "", "thickness": " mm", "exposure": " s"}[name]
    source = " (metadata)" if from_metadata else f" ± {error * value:.3g}{unit}" if error else ""
    step = f"divided by {name} {value:.6g}{unit}{source}"
    curve = scaled(curve, 10 / value if name == "thickness" else 1 / value, error, units, step)
    curve.attrs["normalized_by"] = (*curve.attrs.get("normalized_by", ()), name)
    return curve
