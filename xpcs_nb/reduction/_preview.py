"""g2 of a changed mask or partition, from sums that were kept of each pixel: tens of milliseconds a megapixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.analysis import g2_from_sums
from xpcs_nb.core import DelayGrid, PixelLabels, QMapArrays, ReductionOptions
from xpcs_nb.errors import MissingKeyError, QMapError
from xpcs_nb.frames import open_frames
from xpcs_nb.hdf5 import find_metadata, read_metadata
from xpcs_nb.qmap import pixel_labels
from xpcs_nb.reduction._kept_sums import KeptSums
from xpcs_nb.reduction._multitau import reduce_multitau

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.qmap import QMap

__all__ = ["G2Preview"]

#: Delays that are read from a file at a time.
TOGETHER = 8
#: Pixels that are turned at a time.
BLOCK = 1 << 14


@dataclass(frozen=True)
class G2Preview:
    r"""G, IP and IF of each pixel of a series, from which g2 of any partition of these pixels follows.

    Frames were normalised (where they were) by their mean over the pixels that were used when the sums were made; that
    is the one difference to correlating anew with another mask.

    Attributes
    ----------
    kept
        G, IP, IF by pixel and delay, shape (K, 3, T), float32: 12 bytes a delay and pixel.
    place
        Place of each pixel of the detector in `kept`, -1 where nothing is kept, shape (rows, columns).
    delay, delay_frames, n_pairs
        Delay in s and in correlated frames, and the pairs it averages over, shape (T,).

    Examples
    --------
    >>> preview = G2Preview.from_result(result)
    >>> preview.g2(QMap.from_file(changed)).xpcs.plot_g2()
    """

    kept: NDArray[np.float32]
    place: NDArray[np.int32]
    delay: NDArray[np.float64]
    delay_frames: NDArray[np.int64]
    n_pairs: NDArray[np.int64]
    #: The last sums: what a stroke of the brush leaves as it is need not be added up again.
    _last: list[KeptSums] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def from_result(cls, result: str | Path) -> Self:
        """Take the sums that a reduction with ``save_g2`` has kept in its result file.

        Raises
        ------
        MissingKeyError
            The result has none.
        """
        # Imported late: xarray takes long to import.
        from xpcs_nb.results import open_result

        with open_result(result) as tree:
            multitau = tree["multitau"].to_dataset() if "multitau" in tree.children else None
            if multitau is None or "G2IPIF" not in multitau:
                raise MissingKeyError(
                    "the result has no sums of each pixel",
                    path=result,
                    expected="G, IP and IF, which are kept on request",
                    hint="Correlate with save_g2=True (--save-g2), or use G2Preview.from_frames.",
                )
            qmap = tree["qmap"].to_dataset()
            used = np.asarray(qmap["mask"]).astype(bool) & (np.asarray(qmap["static_roi_map"]) > 0)
            sums = multitau["G2IPIF"]
            kept = np.empty((int(used.sum()), 3, sums.sizes["delay"]), dtype=np.float32)
            for begin in range(0, kept.shape[2], TOGETHER):
                part = slice(begin, begin + TOGETHER)
                kept[:, :, part] = np.asarray(sums[part])[:, :, used].transpose(2, 1, 0)
            frames = np.asarray(multitau["delay_frames"]).astype(np.int64)
            grid = DelayGrid(int(tree["saxs"].sizes["time"]))
            return cls(kept, _places(used), np.asarray(multitau["delay"]), frames, grid.n_pairs[: len(frames)])

    @classmethod
    def from_frames(
        cls,
        raw: str | Path,
        *,
        keep: NDArray[np.bool_] | None = None,
        metadata: str | Path | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        **options: Any,
    ) -> Self:
        """Correlate a series pixel by pixel with the builtin engine.

        Parameters
        ----------
        raw, metadata, progress
            As for `correlate`.
        keep
            Pixels to keep, shape (rows, columns); all good ones by default.
        **options
            ``begin_frame``, ``end_frame``, ``stride_frame``, ``avg_frame``, ``normalize_frame``, ``threads``.

        Raises
        ------
        QMapError
            `keep` has another shape than the frames, or no good pixel.
        """
        chosen = ReductionOptions(**options)
        measured = read_metadata(Path(metadata) if metadata else find_metadata(Path(raw)))
        with open_frames(raw, shape=None if keep is None else keep.shape) as source:
            good = np.ones(source.shape, dtype=bool) if source.blemish is None else source.blemish
            frames = chosen.frame_range(source.n_frames)
            labels = _one_bin(_wanted(good, keep))
            done = 0

            def told(more: int) -> None:
                nonlocal done
                done += more
                if progress is not None:
                    progress("multitau", done, frames.n_frames)

            sums, _, _ = reduce_multitau(
                source,
                labels,
                frames,
                blemish=good,
                normalize_frame=chosen.normalize_frame,
                keep_pixels=True,
                threads=chosen.threads,
                progress=told,
            )
        grid = DelayGrid(frames.n_frames)
        used = np.zeros(labels.shape, dtype=bool)
        used.reshape(-1)[labels.pixel] = True
        step = measured.frame_time * frames.stride * frames.avg
        assert sums.per_pixel is not None  # noqa: S101 - asked for above
        kept = _by_pixel(sums.per_pixel)
        return cls(kept, _places(used), np.asarray(grid.frames * step, dtype=np.float64), grid.frames, grid.n_pairs)

    def g2(
        self, qmap: QMap, *, labels: PixelLabels | None = None, pixel_errors: bool = True, threads: int = 0
    ) -> xr.Dataset:
        """Return g2 of every dynamic bin of `qmap`, as the node ``multitau`` of a result has it.

        Parameters
        ----------
        qmap
            Of the same detector. Where it differs from that of the last call in some dynamic bins, only these are
            computed anew.
        labels
            Those of `qmap` as `xpcs_nb.qmap.pixel_labels` makes them, where they are known already.
        pixel_errors
            Whether to give ``g2_err_pixels`` too, which takes half as long again.
        threads
            Threads; 0 for one a core.

        Returns
        -------
        xarray.Dataset
            ``g2``, ``g2_err``, ``g2_err_pixels`` (delay, bin), ``g2_cov`` (bin, delay, delay2); ``g2_dof`` (bin):
            degrees of freedom of g2_err, ``n_pixels`` (bin): those that g2 rests on, ``n_missing`` (bin): those of the
            qmap of which nothing is kept.

        Raises
        ------
        QMapError
            The qmap is of another detector, or uses no pixel that was kept.
        """
        if qmap.shape != self.place.shape:
            raise QMapError("the qmap is for other frames", got=qmap.shape, expected=self.place.shape)
        asked = pixel_labels(qmap.arrays) if labels is None else labels
        rows = self.place.ravel()[asked.pixel]
        there = rows >= 0
        if not there.any():
            raise QMapError(
                "nothing is kept of any pixel that the qmap uses",
                got=f"{len(there)} used pixels",
                expected=f"some of the {len(self.kept)} that were used when the sums were kept",
            )
        known = asked
        if not there.all():
            known, rows = _only(asked, there), rows[there]
        last = self._last[0] if self._last else None
        binned = KeptSums.of(self.kept, known, rows, since=last, pixel_errors=pixel_errors, threads=threads)
        self._last[:] = [binned]
        estimate = g2_from_sums(binned.sums(), known.static_to_dynamic, known.n_dynamic)
        counts = [np.bincount(which, minlength=asked.n_dynamic) for which in (known.dynamic, asked.dynamic[~there])]
        by_pixels = (
            {}
            if estimate.err_pixels is None
            else {"g2_err_pixels": (("delay", "bin"), estimate.err_pixels, "standard error of g2 by pixel scatter")}
        )
        return self._dataset(
            qmap.arrays,
            g2=(("delay", "bin"), estimate.g2, "g2"),
            g2_err=(("delay", "bin"), estimate.err, "standard error of g2"),
            **by_pixels,
            g2_cov=(("bin", "delay", "delay2"), estimate.cov, "covariance of g2 between delays"),
            g2_dof=(("bin",), estimate.dof, "degrees of freedom of the standard error of g2"),
            n_pixels=(("bin",), counts[0], "pixels that g2 rests on"),
            n_missing=(("bin",), counts[1], "used pixels of which nothing is kept"),
        )

    def _dataset(self, arrays: QMapArrays, **variables: tuple[tuple[str, ...], NDArray[Any], str]) -> xr.Dataset:
        import xarray as xr

        n_bins = len(variables["n_pixels"][1])
        dataset = xr.Dataset(
            {
                name: (dims, values, {"units": "1", "long_name": about})
                for name, (dims, values, about) in variables.items()
            },
            {
                "delay": ("delay", self.delay, {"units": "s", "long_name": "delay"}),
                "delay_frames": ("delay", self.delay_frames, {"units": "frames"}),
                "n_pairs": ("delay", self.n_pairs, {"units": "1"}),
                "bin": ("bin", np.arange(1, n_bins + 1), {"units": "1", "long_name": "label of the bin"}),
            },
        )
        for name, unit, values in zip(arrays.map_names, arrays.map_units, arrays.bin_centers("dynamic"), strict=True):
            dataset = dataset.assign_coords({name: ("bin", values, {"units": unit, "long_name": f"{name} of the bin"})})
        return dataset


def _by_pixel(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums (T, 3, K) as (K, 3, T): what is kept of a pixel then lies together, and is added up faster."""
    kept = np.empty(sums.shape[::-1], dtype=np.float32)
    for begin in range(0, len(kept), BLOCK):
        part = slice(begin, begin + BLOCK)
        kept[part] = sums[:, :, part].T
    return kept


def _places(used: NDArray[np.bool_]) -> NDArray[np.int32]:
    place = np.full(used.shape, -1, dtype=np.int32)
    place[used] = np.arange(int(used.sum()), dtype=np.int32)
    return place


def _wanted(good: NDArray[np.bool_], keep: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    if keep is not None and keep.shape != good.shape:
        raise QMapError("the pixels to keep are of other frames", got=keep.shape, expected=good.shape)
    wanted = good if keep is None else good & keep
    if not wanted.any():
        raise QMapError("no pixel is to be kept", got="no good pixel among them")
    return wanted


def _one_bin(used: NDArray[np.bool_]) -> PixelLabels:
    pixel = np.flatnonzero(used)
    none = np.zeros_like(pixel)
    rows, columns = used.shape
    return PixelLabels(pixel, none, none, none, np.zeros(1, dtype=np.int64), 1, 1, 1, (rows, columns))


def _only(labels: PixelLabels, there: NDArray[np.bool_]) -> PixelLabels:
    owner = np.full_like(labels.static_to_dynamic, -1)
    owner[labels.static[there]] = labels.dynamic[there]
    return replace(
        labels,
        pixel=labels.pixel[there],
        static=labels.static[there],
        dynamic=labels.dynamic[there],
        block=labels.block[there],
        static_to_dynamic=owner,
    )
