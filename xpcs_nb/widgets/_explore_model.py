"""What the explorer knows, without a screen: results, the chosen bin, and what each view shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis import TrustReport, fit_g2, trust_report
from xpcs_nb.core import Geometry
from xpcs_nb.errors import OptionError, XpcsError
from xpcs_nb.plots import (
    Panel,
    TwotimeView,
    g2_image,
    g2_panels,
    intensity_panels,
    partial_panels,
    saxs_1d_panels,
    spectrum_panels,
    stability_panels,
    twotime_view,
)
from xpcs_nb.widgets._explore_result import OpenResult, Source

__all__ = ["ExploreModel", "ExploreOptions"]

#: Maps that are kept after they were drawn: 1.6 MB each.
KEPT_MAPS = 24
#: Relative difference between q of pixels and of their bins: bins are wide, another geometry differs by more.
PIXEL_Q = 0.2


@dataclass
class ExploreOptions:
    """How the views look.

    Attributes
    ----------
    layout
        Of g2: ``one`` (the chosen bin), ``grid`` or ``overlay`` (`bins`).
    offset, baseline, errorbars
        Of g2, see `xpcs_nb.plots.compare_g2`.
    normalise, saxs_offset, segments, weight
        Of I(q), see `xpcs_nb.plots.compare_saxs_1d`.
    average, time_axis, relative
        Of the intensity, see `xpcs_nb.plots.compare_intensity`.
    ages, width, convention, window
        Of the two-time map, see `xpcs_nb.plots.plot_twotime_cuts`.
    map_normalise
        Whether the g2 map is divided by the first delay.
    log
        Logarithmic axes by view, any of ``x`` and ``y``.
    """

    layout: Literal["one", "grid", "overlay"] = "one"
    offset: float = 0.0
    baseline: bool = False
    errorbars: bool = True
    normalise: Literal["none", "q2", "q4", "I0"] = "none"
    saxs_offset: float = 0.0
    segments: bool = False
    weight: float = 1.0
    average: int = 1
    time_axis: Literal["time", "frame"] = "time"
    relative: bool = False
    ages: tuple[float, ...] | None = None
    width: float | None = None
    convention: Literal["age", "start"] = "age"
    window: tuple[float, float] | None = None
    map_normalise: bool = False
    log: dict[str, str] = field(
        default_factory=lambda: {"g2": "x", "saxs": "xy", "stability": "x", "spectrum": "xy", "twotime": "x"}
    )


class ExploreModel:
    """Results, the chosen bin, and what the views show of them.

    Parameters
    ----------
    results
        Files or opened results.
    labels
        Of the results; their names where None.
    background
        Result whose I(q) is subtracted, times the option `weight`.
    """

    def __init__(
        self, results: Sequence[Source], labels: Sequence[str] | None = None, background: Source | None = None
    ) -> None:
        opened = [OpenResult(source) for source in results]
        names = [one.name for one in opened] if labels is None else list(labels)
        if not opened or len(names) != len(opened):
            raise OptionError(
                "there is nothing to explore",
                got=f"{len(opened)} results, {len(names)} labels",
                expected="at least one result, and a label for each",
            )
        if len(set(names)) < len(names):
            names = [f"{name} ({number})" for number, name in enumerate(names, 1)]
        self.results = dict(zip(names, opened, strict=True))
        self.background = None if background is None else OpenResult(background)
        self.shown: tuple[str, ...] = tuple(self.results)
        self.options = ExploreOptions()
        self.fits: dict[str, xr.Dataset] = {}
        #: Of the view that was drawn last: results that could not be read.
        self.problems: dict[str, XpcsError] = {}
        self.bins = self._labels()
        self.bin: int | None = self.bins[0] if self.bins else None
        self._maps: dict[Any, TwotimeView] = {}

    @property
    def current(self) -> OpenResult:
        """The first of the results that are shown."""
        if not self.shown:
            raise OptionError("no result is chosen", expected="at least one of " + ", ".join(self.results))
        return self.results[self.shown[0]]

    def show(self, names: Sequence[str]) -> None:
        """Choose the results that are shown, in this order; the bin stays where the first of them has it."""
        unknown = [name for name in names if name not in self.results]
        if unknown:
            raise OptionError("no such results", got=unknown, expected=", ".join(self.results))
        self.shown = tuple(names)
        self._maps.clear()
        if self.shown:
            self.bins = self._labels()
            if self.bin not in self.bins:
                self.bin = self.bins[0] if self.bins else None

    def choose(self, label: int) -> bool:
        """Choose a bin; return whether that changes anything.

        Raises
        ------
        OptionError
            If the result has no such bin.
        """
        if label not in self.bins:
            raise OptionError("there is no such bin", got=label, expected=f"one of {_ranges(self.bins)}")
        changed = label != self.bin
        self.bin = label
        return changed

    def _labels(self) -> tuple[int, ...]:
        dataset = self._binned()
        return () if dataset is None else tuple(int(label) for label in dataset["bin"].to_numpy())

    def _binned(self) -> xr.Dataset | None:
        data = self.current.multitau
        return self.current.twotime if data is None else data

    def describe(self, label: int | None) -> str:
        """Name a bin with its q (and phi)."""
        dataset = self._binned()
        if dataset is None or label is None:
            return "no bins"
        place = dataset["bin"].to_numpy().tolist().index(label)
        words = [f"bin {label}"]
        for name, sign, unit in (("q", "q", " Å⁻¹"), ("phi", "φ", "°")):
            if name in dataset.coords and dataset[name].dims == ("bin",):
                value = float(dataset[name].to_numpy()[place])
                words += [f"{sign} = {value:.4g}{unit}"] if np.isfinite(value) else []
        return ", ".join(words)

    def bin_at(self, x: float, y: float) -> int | None:
        """Return the dynamic bin at a pixel (column x, row y); None where there is none."""
        labels = self.dynamic
        row, column = round(y), round(x)
        if labels is None or not (0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]):
            return None
        return int(labels[row, column]) or None

    @property
    def dynamic(self) -> NDArray[np.integer[Any]] | None:
        """Labels of the dynamic bins of the current result, (rows, columns)."""
        return self.current.dynamic

    def image(self, channel: str = "scattering") -> tuple[NDArray[Any], str, str]:
        """Return an image of the detector with its name and unit: ``scattering``, ``dynamic`` or ``static`` bins.

        Raises
        ------
        OptionError
            If the result has no such image.
        """
        saxs, qmap = self.current.saxs, self.current.qmap
        names = {"scattering": "scattering_2d", "dynamic": "dynamic_roi_map", "static": "static_roi_map"}
        dataset = saxs if channel == "scattering" else qmap
        name = names.get(channel, "")
        if name not in dataset:
            raise OptionError(f"the result has no image of {channel}", expected="another channel")
        values = dataset[name].transpose("y", "x")
        unit = str(values.attrs.get("units", "")) if channel == "scattering" else ""
        return values.to_numpy(), "I" if channel == "scattering" else f"{channel} bin", unit

    def geometry(self) -> Geometry | None:
        """Geometry of the result, for the readout; None where the result does not say it all."""
        attrs = self.current.qmap.attrs
        names = ("energy", "detector_distance", "pixel_size", "beam_center_x", "beam_center_y")
        if any(name not in attrs for name in names):
            return None
        return Geometry(**{name: float(attrs[name]) for name in names})

    def pixel_maps(self) -> list[tuple[str, str, NDArray[np.float64]]]:
        """Return name, unit and values of q and phi of each pixel; empty where the geometry does not fit the bins.

        Another geometry than the bins were made with (a swung detector, a moved beam) would mislead.
        """
        geometry, labels, data = self.geometry(), self.dynamic, self.current.multitau
        if geometry is None or labels is None or data is None or "q" not in data.coords:
            return []
        q, phi = geometry.q_phi((labels.shape[0], labels.shape[1]))
        known = dict(zip(data["bin"].to_numpy().tolist(), data["q"].to_numpy().tolist(), strict=True))
        of_label = np.array([known.get(label, np.nan) for label in range(int(labels.max()) + 1)])
        sample = np.flatnonzero(labels)[::97]
        off = np.abs(q.ravel()[sample] / of_label[labels.ravel()[sample]] - 1)
        off = off[np.isfinite(off)]
        if not len(off) or np.median(off) > PIXEL_Q:
            return []
        return [("q", "1/angstrom", q), ("phi", "degree", phi)]

    def g2(self) -> list[Panel]:
        """Return the panels of g2."""
        options = self.options
        if options.layout == "one" and self.bin is None:
            raise OptionError("no bin is chosen", hint="The result has no dynamic bins with g2.")
        bins = None if options.layout != "one" else [self.bin] if self.bin is not None else []
        data = self._having(lambda one: one.multitau, "g2")
        fits = {name: fit for name, fit in self.fits.items() if name in data}
        return g2_panels(
            data,
            bins=bins,
            layout=options.layout,
            fits=fits,
            offset=options.offset,
            baseline=options.baseline,
            errorbars=options.errorbars,
        )

    def g2_map(self) -> tuple[tuple[int, ...], NDArray[np.float64], float, float]:
        """Return labels, g2 as (bin, column), and lg(delay / s) of the first column and from column to column.

        Columns are equally wide on a logarithmic axis; each holds the nearest delay.
        """
        data = self.current.multitau
        if data is None:
            raise OptionError("the result has no g2")
        labels, delay, values = g2_image(data, normalise=self.options.map_normalise)
        if not len(delay):
            raise OptionError("g2 has no delays above 0")
        place = np.log10(delay)
        columns = np.linspace(place[0], place[-1], 240) if len(delay) > 1 else place
        nearest = np.abs(columns[:, None] - place).argmin(axis=1)
        step = float(columns[1] - columns[0]) if len(columns) > 1 else 1.0
        return tuple(labels), values[:, nearest], float(columns[0]), step

    def partial(self) -> list[Panel]:
        """Return g2 of the first frames of the chosen bin."""
        data = self.current.multitau
        if data is None or "g2_partial" not in data:
            raise OptionError("the result has no partial g2", hint="Reduce with num_partial_g2=10 to have it.")
        return partial_panels(data, self.bin)

    def saxs(self) -> list[Panel]:
        """Return the panel of I(q)."""
        options = self.options
        wanted = "scattering_1d_segments" if options.segments else "scattering_1d"
        data = self._having(lambda one: one.saxs if wanted in one.saxs else None, "I(q)")
        return saxs_1d_panels(
            data,
            normalise=options.normalise,
            background=None if self.background is None else self.background.saxs,
            weight=options.weight,
            offset=options.saxs_offset,
            segments=options.segments,
            log=options.log["saxs"],
        )

    def stability(self) -> list[Panel]:
        """Return the panel of the stretches of time over their mean."""
        return stability_panels(
            self._having(lambda one: one.saxs if "scattering_1d_segments" in one.saxs else None, "segments of I(q)")
        )

    def intensity(self) -> list[Panel]:
        """Return the panels of intensity against time, and of its spectrum."""
        data = self._having(lambda one: one.saxs if "intensity" in one.saxs else None, "intensity")
        options = self.options
        panels = intensity_panels(data, average=options.average, axis=options.time_axis, relative=options.relative)
        return panels + spectrum_panels(data)

    def twotime(self) -> TwotimeView:
        """Return the map of the chosen bin with its cuts; those seen last are kept.

        Raises
        ------
        OptionError
            If there is no two-time map, or not of this bin.
        """
        data, options = self.current.twotime, self.options
        if data is None:
            raise OptionError("the result has no two-time maps", hint="Reduce with type='both' to have them.")
        key = (self.bin, options.ages, options.width, options.convention, options.window, options.log["twotime"])
        if key not in self._maps:
            view = twotime_view(
                data,
                self.bin,
                ages=options.ages,
                width=options.width,
                convention=options.convention,
                window=options.window,
                log="x" in options.log["twotime"],
            )
            while len(self._maps) >= KEPT_MAPS:
                del self._maps[next(iter(self._maps))]
            self._maps[key] = view
        return self._maps[key]

    def fit(self, **options: Any) -> None:
        """Fit g2 of the results that are shown; options as `xpcs_nb.analysis.fit_g2`."""
        data = self._having(lambda one: one.multitau, "g2")
        self.fits = {name: fit_g2(dataset, **options) for name, dataset in data.items()}

    def trust(self) -> TrustReport:
        """Return the trust report of the current result."""
        return trust_report(self.current.tree)

    def metadata(self, words: str = "") -> list[tuple[str, str]]:
        """Return names and values of all that describes the result and contains `words` (in any case)."""
        tree = self.current.tree
        found = [(f"/{name}", value) for name, value in tree.attrs.items()]
        for node in ("qmap", "metadata", "provenance"):
            if node in tree.children:
                found += [
                    (key if str(key).startswith("/") else f"/{node}/{key}", value)
                    for key, value in _flat(tree[node].attrs)
                ]
        wanted = words.lower().split()
        texts = [(name, str(value)) for name, value in found]
        return [pair for pair in texts if all(word in f"{pair[0]} {pair[1]}".lower() for word in wanted)]

    def _having(self, get: Callable[[OpenResult], xr.Dataset | None], what: str) -> dict[str, xr.Dataset]:
        """Return the part of each shown result that has it; at least one has to.

        Results that can't be read are kept in `problems`, for the others to be shown all the same.
        """
        if not self.shown:
            raise OptionError("no result is chosen", expected="at least one of " + ", ".join(self.results))
        having: dict[str, xr.Dataset] = {}
        self.problems = {}
        for name in self.shown:
            try:
                part = get(self.results[name])
            except XpcsError as error:
                self.problems[name] = error
                continue
            if part is not None:
                having[name] = part
        if not having and self.problems:
            raise next(iter(self.problems.values()))
        if not having:
            raise OptionError(f"none of these results has {what}", got=", ".join(self.shown))
        return having


def _flat(attrs: Mapping[Any, Any], above: str = "") -> list[tuple[str, Any]]:
    """Return entries of nested documents by their path."""
    found: list[tuple[str, Any]] = []
    for key, value in attrs.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{key}/")
        else:
            found.append((f"{above}{key}", value))
    return found


def _ranges(labels: Sequence[int]) -> str:
    return f"{labels[0]} to {labels[-1]}" if labels else "none: the result has no bins"
