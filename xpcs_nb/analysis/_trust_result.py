"""Evidence of the trust report, read from a result as xarray has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.analysis._trust_evidence import Curves, Evidence, Parts, PixelMeans, StaticBins
from xpcs_nb.core import LogGrid, PixelLabels
from xpcs_nb.errors import OptionError

__all__ = ["evidence_of", "evidence_of_preview", "stored_report"]

type Floats = NDArray[np.float64]


def stored_report(data: xr.Dataset | xr.DataTree) -> str | None:
    """Return the JSON of the report that a result carries, or None."""
    if isinstance(data, xr.DataTree) and "trust" in data.root.children:
        report = data.root["trust"].attrs.get("report")
        return None if report is None else str(report)
    return None


def evidence_of(data: xr.Dataset | xr.DataTree) -> Evidence:
    """Collect what a result shows.

    Raises
    ------
    OptionError
        If it has neither g2 nor two-time maps, or its I(q) does not fit its map of static bins.
    """
    nodes = _nodes(data)
    multitau, twotime = nodes.get("multitau"), nodes.get("twotime")
    if multitau is None and twotime is None:
        raise OptionError(
            "there is nothing to judge", got=", ".join(nodes) or "no node", expected="a result with multitau or twotime"
        )
    saxs, qmap = nodes.get("saxs", xr.Dataset()), nodes.get("qmap", xr.Dataset())
    options = _options(nodes)
    bins = _labels(multitau, twotime, qmap)
    static, faults, pixels = _partition(qmap, saxs, bins, options)
    intensity = _values(saxs, "intensity")
    return Evidence(
        bins=bins,
        curves=None if multitau is None else _curves(multitau),
        static=static,
        pixels=pixels,
        parts=_parts(multitau, twotime, bins) or _parts_of_log(nodes.get("twotime_log"), bins),
        faults=faults,
        intensity=intensity,
        segments=_segments(saxs, static),
        normalized=_flag(options.get("normalize_frame")),
        raw_frames=_whole(options.get("avg_frame")),
        repeats=_repeats(options),
    )


def _nodes(data: xr.Dataset | xr.DataTree) -> dict[str, xr.Dataset]:
    if isinstance(data, xr.Dataset):
        return {"multitau" if "g2" in data and "t1" not in data.dims else "twotime": data} if "bin" in data.dims else {}
    return {name: node.to_dataset() for name, node in data.root.children.items()} or _nodes(data.to_dataset())


def _options(nodes: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    options = nodes["provenance"].attrs.get("options", {}) if "provenance" in nodes else {}
    return dict(options) if isinstance(options, Mapping) else {}


def _flag(value: Any) -> bool | None:
    values = value if isinstance(value, list) else [value]
    found = {_one_flag(each) for each in values}
    return found.pop() if len(found) == 1 else None


def _one_flag(value: Any) -> bool | None:
    text = str(value).lower()
    return True if text in ("true", "1", "1.0") else False if text in ("false", "0", "0.0") else None


def _whole(value: Any) -> int:
    values = value if isinstance(value, list) else [value]
    try:
        return max(1, int(values[0]))
    except (IndexError, TypeError, ValueError):
        return 1


def _repeats(options: Mapping[str, Any]) -> int:
    """Averaged files list what each member was made of."""
    raw = options.get("raw")
    return len(raw) if isinstance(raw, list) and raw else 1


def _values(dataset: xr.Dataset, name: str) -> Floats | None:
    return np.asarray(dataset[name], dtype=np.float64) if name in dataset.variables else None


def _labels(multitau: xr.Dataset | None, twotime: xr.Dataset | None, qmap: xr.Dataset) -> NDArray[np.int64]:
    if multitau is not None:
        return np.asarray(multitau["bin"]).astype(np.int64)
    assert twotime is not None  # noqa: S101 - the caller has looked
    highest = int(np.asarray(twotime["bin"]).max())
    if "dynamic_roi_map" in qmap:
        highest = max(highest, int(np.asarray(qmap["dynamic_roi_map"]).max()))
    return np.arange(1, highest + 1)


def _curves(multitau: xr.Dataset) -> Curves | None:
    if "g2" not in multitau or set(multitau["g2"].dims) != {"delay", "bin"}:
        return None
    frames = _values(multitau, "delay_frames")
    err = multitau["g2_err"].transpose("delay", "bin") if "g2_err" in multitau else None
    pairs = _values(multitau, "n_pairs")
    cov = _values(multitau, "g2_cov")
    return Curves(
        frames=np.asarray(multitau["delay"], dtype=np.float64) if frames is None else frames,
        g2=np.asarray(multitau["g2"].transpose("delay", "bin"), dtype=np.float64),
        err=None if err is None else np.asarray(err, dtype=np.float64),
        n_pairs=None if pairs is None else pairs.astype(np.int64),
        cov=cov,
        estimator=None if err is None else err.attrs.get("estimator"),
    )


def _partition(
    qmap: xr.Dataset, saxs: xr.Dataset, bins: NDArray[np.int64], options: Mapping[str, Any]
) -> tuple[StaticBins | None, tuple[str, ...] | None, PixelMeans | None]:
    if "static_roi_map" not in qmap or "dynamic_roi_map" not in qmap:
        return None, None, None
    static_map, dynamic_map = (np.asarray(qmap[name]).ravel() for name in ("static_roi_map", "dynamic_roi_map"))
    if static_map.shape != dynamic_map.shape:
        return None, ("the maps of static and dynamic bins have different shapes",), None
    both = (static_map > 0) & (dynamic_map > 0)
    labels = _static_labels(saxs)
    n = max(int(static_map.max(initial=0)), int(labels.max(initial=0)))
    used = both if "mask" not in qmap else both & np.asarray(qmap["mask"]).ravel().astype(bool)
    if "blemish" in qmap:
        used = used & np.asarray(qmap["blemish"]).ravel().astype(bool)
    pixel = np.flatnonzero(used)
    static, dynamic = static_map[pixel].astype(np.int64) - 1, dynamic_map[pixel].astype(np.int64)
    owner, split = _owners(static, dynamic, n, bins)
    faults = []
    if split:
        faults.append(f"{split} pixels lie in another dynamic bin than the rest of their static bin")
    alone = int(np.count_nonzero((static_map > 0) != (dynamic_map > 0)))
    if alone:
        faults.append(f"{alone} pixels are in a static or a dynamic bin only")
    if not len(pixel):
        faults.append("no used pixel has a label")
    found = StaticBins(
        pixels=np.bincount(static, minlength=n),
        owner=owner,
        q=_of_labels(saxs, "q", labels, n) if _is_q(saxs) else None,
        mean=_of_labels(saxs, "scattering_1d", labels, n),
    )
    return found, tuple(faults), _pixel_means(saxs, static_map.size, (pixel, static), found, options)


def _static_labels(saxs: xr.Dataset) -> NDArray[np.int64]:
    """Return the labels of the static bins that I(q) is of, shape (S,).

    Raises
    ------
    OptionError
        If I(q) does not say them, or they can't be labels.
    """
    n = saxs.sizes.get("static_bin", 0)
    labels = np.asarray(saxs["static_bin"], dtype=np.float64) if "static_bin" in saxs.coords else np.zeros(0)
    odd = labels[~((labels >= 1) & (labels == np.floor(labels)))]
    if len(labels) != n or len(odd) or len(np.unique(labels)) != n:
        raise OptionError(
            "I(q) does not fit the map of static bins",
            where="saxs, coordinate static_bin",
            got=f"{n} values of I(q) and {len(labels)} labels" + (f", among them {odd[0]:g}" if len(odd) else ""),
            expected=f"{n} different labels of the map, from 1",
            hint="Take I(q) and qmap from the same result.",
        )
    return labels.astype(np.int64)


def _owners(
    static: NDArray[np.int64], dynamic: NDArray[np.int64], n: int, bins: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Return the place of each static bin's dynamic bin, and the pixels that are in another one."""
    place = np.full(max(int(dynamic.max(initial=0)), int(bins.max(initial=0))) + 1, -1, dtype=np.int64)
    place[bins] = np.arange(len(bins))
    label = np.zeros(n, dtype=np.int64)
    label[static] = dynamic
    return np.where(label > 0, place[label], -1), int(np.count_nonzero(label[static] != dynamic))


def _of_labels(saxs: xr.Dataset, name: str, labels: NDArray[np.int64], n: int) -> Floats | None:
    """Return values of static bins by their label, shape (S,), NaN where the file has none."""
    if name not in saxs.variables or saxs[name].dims != ("static_bin",):
        return None
    found = np.full(n, np.nan)
    found[labels - 1] = np.asarray(saxs[name], dtype=np.float64)
    return found


def _is_q(saxs: xr.Dataset) -> bool:
    return "q" in saxs.coords and bool(np.isfinite(np.asarray(saxs["q"], dtype=float)).any())


def _pixel_means(
    saxs: xr.Dataset,
    n_pixels: int,
    labels: tuple[NDArray[np.int64], NDArray[np.int64]],
    bins: StaticBins,
    options: Mapping[str, Any],
) -> PixelMeans | None:
    pixel, static = labels
    if "scattering_2d" not in saxs or "intensity" not in saxs or not len(pixel):
        return None
    image = np.asarray(saxs["scattering_2d"]).ravel()
    if image.size != n_pixels:
        return None
    counts = np.nan_to_num(image[pixel])
    frames = saxs.sizes["time"] * _whole(options.get("avg_frame"))
    # averaged files may hold the scattering of one member: then a single photon is 1 / frames
    if np.min(counts, where=counts > 0, initial=np.inf) < 0.9 / frames:
        frames *= _repeats(options)
    return PixelMeans.of(counts, static, bins, frames)


def _segments(saxs: xr.Dataset, static: StaticBins | None) -> Floats | None:
    if static is None or "scattering_1d_segments" not in saxs or "static_bin" not in saxs.coords:
        return None
    labels = _static_labels(saxs)
    values = np.asarray(saxs["scattering_1d_segments"].transpose("segment", "static_bin"), dtype=np.float64)
    found = np.full((len(values), len(static.pixels)), np.nan)
    found[:, labels - 1] = values
    return found


def _parts(multitau: xr.Dataset | None, twotime: xr.Dataset | None, bins: NDArray[np.int64]) -> Parts | None:
    """g2 of stretches of time: from the two-time maps, or else from g2 of the first parts of the series."""
    if twotime is not None and "g2_segments" in twotime and "segment_delay" in twotime.dims:
        g2 = np.asarray(twotime["g2_segments"].transpose("segment_delay", "segment", "bin"), dtype=np.float64)
        place = np.searchsorted(bins, np.asarray(twotime["bin"]))
        return Parts(source="two-time map", frames=np.arange(1, len(g2), dtype=float), g2=g2[1:], place=place)
    if multitau is not None and {"g2_partial", "partial_frames"} <= set(multitau.variables):
        frames = _values(multitau, "delay_frames")
        g2 = np.asarray(multitau["g2_partial"].transpose("partial", "delay", "bin"), dtype=np.float64)
        if frames is not None:
            return Parts.of_partial(frames, g2, np.asarray(multitau["partial_frames"], dtype=np.float64))
    return None


def _parts_of_log(log: xr.Dataset | None, bins: NDArray[np.int64]) -> Parts | None:
    if log is None:
        return None
    place = np.searchsorted(bins, np.asarray(log["bin"]))
    return Parts.of_log(np.asarray(log["c2"]), LogGrid(int(log.attrs["n_frames"])), place)


def evidence_of_preview(g2: xr.Dataset, labels: PixelLabels, counts: Any, q: Any) -> Evidence:
    """Collect what a preview shows."""
    curves = _curves(g2)
    bins = np.asarray(g2["bin"]).astype(np.int64)
    pixels = np.bincount(labels.static, minlength=labels.n_static)
    mean = None
    if counts is not None:
        total = np.bincount(labels.static, np.asarray(counts).ravel()[labels.pixel], minlength=labels.n_static)
        mean = total / np.maximum(pixels, 1)
    split = int(np.count_nonzero(labels.static_to_dynamic[labels.static] != labels.dynamic))
    faults = (f"{split} pixels lie in another dynamic bin than the rest of their static bin",) if split else ()
    return Evidence(
        bins=bins,
        curves=curves,
        static=StaticBins(
            pixels=pixels, owner=labels.static_to_dynamic, q=None if q is None else np.asarray(q), mean=mean
        ),
        faults=faults,
    )
