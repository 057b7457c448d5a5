"""The edits of a qmap as methods; each returns a new qmap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self

from xpcs_nb.qmap._detectors import detector_mask
from xpcs_nb.qmap._edits import Edit, Mode
from xpcs_nb.qmap._mask_file import file_mask
from xpcs_nb.qmap._request_parse import request_of

__all__ = ["Editing"]

type Points = Iterable[tuple[float, float]]


class Editing(ABC):
    """Methods that add one edit.

    Positions are pixels, x the column and y the row, pixel centres at integers. A pixel is in a shape if its centre
    is, or lies on the border. What lies off the frame does nothing. With ``mode="exclude"`` the pixels leave the
    mask, with ``"include"`` they come back (blemishes don't), with ``"only"`` all others leave; shapes with
    ``"only"`` that follow each other count as one.

    All raise `QMapError` for values that can't be used: NaN, sizes of zero, too few points.
    """

    @abstractmethod
    def edit(self, *edits: Edit | Mapping[str, Any]) -> Self:
        """Return the qmap after further edits."""

    @abstractmethod
    def cell(self, label: int) -> tuple[int, int]:
        """Return the place of a dynamic bin in the grid of bins."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""

    def mask_rectangle(
        self, x: float, y: float, width: float, height: float, *, angle: float = 0.0, mode: Mode = "exclude"
    ) -> Self:
        """Edit the pixels of a rectangle about its centre (x, y), turned by `angle` degrees from x towards y."""
        return self.edit(_entry("rectangle", x=x, y=y, width=width, height=height, angle=angle, mode=mode))

    def mask_circle(self, x: float, y: float, radius: float, *, mode: Mode = "exclude") -> Self:
        """Edit the pixels of a disc about (x, y)."""
        return self.edit(_entry("circle", x=x, y=y, radius=radius, mode=mode))

    def mask_ellipse(
        self, x: float, y: float, a: float, b: float, *, angle: float = 0.0, mode: Mode = "exclude"
    ) -> Self:
        """Edit the pixels of an ellipse with half axes `a` and `b`, turned by `angle` degrees from x towards y."""
        return self.edit(_entry("ellipse", x=x, y=y, a=a, b=b, angle=angle, mode=mode))

    def mask_polygon(self, points: Points, *, mode: Mode = "exclude") -> Self:
        """Edit the pixels of a polygon; where it crosses itself, what is enclosed an odd number of times is inside."""
        return self.edit(_entry("polygon", points=_tuples(points), mode=mode))

    def mask_line(
        self, x0: float, y0: float, x1: float, y1: float, *, width: float = 1.0, mode: Mode = "exclude"
    ) -> Self:
        """Edit the pixels of a line of a width, with flat ends."""
        return self.edit(_entry("line", x0=x0, y0=y0, x1=x1, y1=y1, width=width, mode=mode))

    def mask_brush(self, points: Points, radius: float, *, mode: Mode = "exclude") -> Self:
        """Edit all pixels within `radius` of a stroke; ``mode="include"`` makes it an eraser."""
        return self.edit(_entry("brush", points=_tuples(points), radius=radius, mode=mode))

    def mask_pixels(self, points: Iterable[tuple[int, int]], *, mode: Mode = "exclude") -> Self:
        """Edit single pixels, given as (x, y)."""
        return self.edit(_entry("pixels", points=_tuples(points), mode=mode))

    def mask_threshold(self, low: float | None = None, high: float | None = None) -> Self:
        """Take out pixels whose mean counts are below `low`, at or above `high`, or NaN."""
        return self.edit(_entry("threshold", low=low, high=high))

    def mask_range(self, *conditions: Sequence[Any] | Mapping[str, Any], mode: Mode = "only") -> Self:
        """Edit the pixels where maps lie in ranges; by default all others leave.

        Parameters
        ----------
        *conditions
            ``(map, low, high)`` or ``(map, low, high, "and" | "or")``, both ends included, taken from the first to the
            last. A range of phi may pass 180 degrees: (170, 190), or (170, -170).
        mode
            As for shapes; here each ``"only"`` counts on its own.
        """
        names = ("map", "low", "high", "logic")
        entries = [
            dict(item) if isinstance(item, Mapping) else dict(zip(names, item, strict=False)) for item in conditions
        ]
        return self.edit(_entry("range", conditions=entries, mode=mode))

    def mask_outliers(
        self,
        region: Literal["ring", "box"] = "ring",
        *,
        method: Literal["mad", "percentile"] = "mad",
        cutoff: float = 3.0,
        rings: int = 180,
        box_size: int = 32,
        percentiles: tuple[float, float] = (5.0, 95.0),
    ) -> Self:
        """Take out pixels whose mean counts stand out from those of the same ring of q, or of the same box.

        ``mad``: by `cutoff` median absolute deviations or more from the median. ``percentile``: by `cutoff` standard
        deviations or more from the mean, both of the values between the two percentiles.
        """
        return self.edit(
            _entry(
                "outliers",
                region=region,
                method=method,
                cutoff=cutoff,
                rings=rings,
                box_size=box_size,
                percentiles=percentiles,
            )
        )

    def mask_similar(
        self, x: int, y: int, *, radius: float = 50.0, variation: float = 0.5, connected: bool = False
    ) -> Self:
        """Take out the pixels within `radius` of (x, y) whose mean counts are like those there.

        Like means: different by at most the fraction `variation` of them. So one click takes out a streak or a spot.
        With `connected` only pixels that hang together with (x, y), by sides or corners.

        Raises
        ------
        QMapError
            Also if (x, y) is off the image.
        """
        return self.edit(_entry("similar", x=x, y=y, radius=radius, variation=variation, connected=connected))

    def mask_file(
        self, path: str | PathLike[str], *, key: str | None = None, inverted: bool = False, blemish: bool = False
    ) -> Self:
        """Take out the pixels that are 0 in an image file: TIFF, EDF, npy, or dataset `key` of an HDF5 file.

        Parameters
        ----------
        path, key
            The file; its content goes into the edit.
        inverted
            The file has 1 for bad pixels.
        blemish
            The bad pixels belong to the detector: nothing brings them back.

        Raises
        ------
        MissingFileError, MissingKeyError, FileFormatError, CorruptDataError
            If it can't be read.
        QMapError
            If it has another shape.
        """
        return self.edit(file_mask(path, self.shape, key=key, inverted=inverted, blemish=blemish))

    def mask_detector(self, name: str) -> Self:
        """Make the gaps and dead pixels of a detector model (a name that pyFAI knows) blemishes.

        Raises
        ------
        MissingExtraError
            If pyFAI is not installed (extra `detectors`).
        QMapError
            If it knows no such detector, or that one has another shape.
        """
        return self.edit(detector_mask(name, self.shape))

    def mask_morphology(self, operation: Literal["erode", "dilate", "open", "close"], *, steps: int = 1) -> Self:
        """Shrink (erode), grow (dilate), open or close the used area by the four neighbours of each pixel."""
        return self.edit(_entry("morphology", operation=operation, steps=steps))

    def set_geometry(self, **values: float) -> Self:
        """Replace parts of the geometry, named as in `Geometry`; bins are made anew.

        Raises
        ------
        QMapError, OptionError
            If a name or a value can't be used.
        """
        return self.edit(_entry("geometry", **values))

    def find_center(self, *, max_radius: int = 384) -> Self:
        """Move the beam centre to the point about which the image is symmetric; it begins at the present one.

        Parameters
        ----------
        max_radius
            Half of the largest square about the centre that is looked at, pixels.

        Raises
        ------
        QMapError
            If there is no image, or no such point is found.
        """
        return self.edit(_entry("center", max_radius=max_radius))

    def partition(
        self,
        *,
        ellipse: bool | Mapping[str, float] | None = None,
        **axes: Sequence[Any] | Mapping[str, Any],
    ) -> Self:
        """Cut the used pixels into bins along two maps; every static bin lies in one dynamic bin.

        ``partition(q=(36, 360), phi=(1, 1))``, ``partition(x=(4, 8), y=(4, 8))``,
        ``partition(q={"bins": (9, 90), "scale": "log"}, phi={"bins": (6, 12), "symmetry": 2, "offset": 15})``.

        The bins follow the mask and the geometry when those change later.

        Parameters
        ----------
        **axes
            Two maps of the geometry (q alone goes with one bin of phi). Each has numbers of dynamic and static bins,
            or edges of both; or a mapping with ``bins`` and, where wanted, ``scale`` (``"linear"``, ``"log"``),
            ``range`` (of bins given as numbers; else that of the used pixels), and for phi ``offset`` (degrees added
            before the cut) and ``symmetry`` (parts of the circle that count as one).
        ellipse
            True: the maps are ``rho`` and ``phi`` of the ellipse that fits the used pixels. A mapping with ``x``,
            ``y``, ``a``, ``b``, ``angle`` gives the ellipse.

        Raises
        ------
        QMapError
            If the request contradicts itself. What no pixel or no geometry allows is said when the bins are made.
        """
        return self.edit(_entry("partition", request=request_of(axes, ellipse)))

    def merge_bins(self, *labels: int) -> Self:
        """Make dynamic bins one; the static bins stay."""
        return self.edit(_entry("merge_bins", cells=[self.cell(label) for label in dict.fromkeys(labels)]))

    def split_bin(self, label: int, number: int, *, axis: Literal[0, 1] = 0) -> Self:
        """Cut a dynamic bin, and its static bins, into parts of the same range along one of the two maps."""
        return self.edit(_entry("split_bin", cell=self.cell(label), axis=axis, number=number))


def _entry(kind: str, **values: Any) -> dict[str, Any]:
    return {"kind": kind} | values


def _tuples(points: Iterable[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Return points as plain numbers, from lists, tuples or arrays."""
    return tuple(tuple(getattr(value, "item", lambda value=value: value)() for value in point) for point in points)
