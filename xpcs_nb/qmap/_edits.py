"""Edits of a qmap: frozen entries that can be written as JSON and replayed.

Positions are pixels, x the column and y the row, pixel centres at integers; angles are degrees, from x towards y.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from xpcs_nb.errors import QMapError
from xpcs_nb.qmap._pixels import PixelSet
from xpcs_nb.qmap._request import PartitionRequest

__all__ = [
    "AnyEdit",
    "Brush",
    "Center",
    "Circle",
    "Condition",
    "Detector",
    "Edit",
    "Ellipse",
    "FileMask",
    "GeometryChange",
    "ImageEdit",
    "Line",
    "MergeBins",
    "Mode",
    "Morphology",
    "Outliers",
    "Partition",
    "Pixels",
    "Polygon",
    "Range",
    "Rectangle",
    "ShapeEdit",
    "Similar",
    "SplitBin",
    "Threshold",
    "parse_edit",
    "problems_of",
]

#: ``exclude``: the pixels leave the mask; ``include``: they come back; ``only``: all others leave, and shapes that
#: follow each other with this mode count as one.
type Mode = Literal["exclude", "include", "only"]
#: Far more than any detector has; what is larger is a mistake, and would overflow.
type Coordinate = Annotated[float, Field(ge=-1e7, le=1e7)]
type Size = Annotated[float, Field(ge=1e-6, le=1e7)]
type Point = tuple[Coordinate, Coordinate]
type Cell = tuple[int, int]


class Edit(BaseModel):
    """One entry of the history of a qmap."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShapeEdit(Edit):
    """A drawn shape; parts off the frame do nothing. A pixel is in the shape if its centre is, or is on its border."""

    mode: Mode = "exclude"


class Rectangle(ShapeEdit):
    """A rectangle about its centre (x, y), turned by `angle`."""

    kind: Literal["rectangle"] = "rectangle"
    x: Coordinate
    y: Coordinate
    width: Size
    height: Size
    angle: Coordinate = 0.0


class Circle(ShapeEdit):
    """A disc about (x, y)."""

    kind: Literal["circle"] = "circle"
    x: Coordinate
    y: Coordinate
    radius: Size


class Ellipse(ShapeEdit):
    """An ellipse about (x, y) with half axes `a` (along x before it is turned) and `b`."""

    kind: Literal["ellipse"] = "ellipse"
    x: Coordinate
    y: Coordinate
    a: Size
    b: Size
    angle: Coordinate = 0.0


class Polygon(ShapeEdit):
    """A closed polygon; where it crosses itself, a point is inside if it is enclosed an odd number of times."""

    kind: Literal["polygon"] = "polygon"
    points: Annotated[tuple[Point, ...], Field(min_length=3)]


class Line(ShapeEdit):
    """A line of a width, with flat ends at its two points."""

    kind: Literal["line"] = "line"
    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate
    width: Size

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if (self.x0, self.y0) == (self.x1, self.y1):
            raise ValueError("the two ends of a line are the same point")
        return self


class Brush(ShapeEdit):
    """A stroke: all within `radius` of a polyline, which may be a single point."""

    kind: Literal["brush"] = "brush"
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    radius: Annotated[float, Field(ge=0, le=1e7)]


class Pixels(ShapeEdit):
    """Single pixels (x, y); those off the frame do nothing."""

    kind: Literal["pixels"] = "pixels"
    points: tuple[tuple[int, int], ...]


class Condition(BaseModel):
    """Values of a map from `low` to `high`, both included; phi may pass 180 degrees, as (170, 190) or (170, -170)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    map: str
    low: float
    high: float
    logic: Literal["and", "or"] = "and"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.map != "phi" and not self.low <= self.high:
            raise ValueError(f"the range of {self.map} is empty: {self.low} to {self.high}")
        return self


class Range(Edit):
    """Pixels where the conditions hold, taken from the first to the last; the `logic` of the first counts nothing."""

    kind: Literal["range"] = "range"
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    mode: Mode = "only"


class ImageEdit(Edit):
    """An edit found on the image; `found` are the pixels that leave the mask."""

    found: PixelSet | None = None


class Threshold(ImageEdit):
    """Pixels below `low`, at or above `high`, or NaN leave the mask."""

    kind: Literal["threshold"] = "threshold"
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _has_limit(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a threshold needs low or high")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class Similar(ImageEdit):
    """Pixels within `radius` of (x, y) whose counts differ from those there by at most `variation` of them.

    With `connected` only those that hang together with (x, y), by sides or corners.
    """

    kind: Literal["similar"] = "similar"
    x: Annotated[int, Field(ge=0)]
    y: Annotated[int, Field(ge=0)]
    radius: Annotated[float, Field(gt=0)] = 50.0
    variation: Annotated[float, Field(ge=0)] = 0.5
    connected: bool = False


class Outliers(ImageEdit):
    """Pixels that differ from their surroundings: a ring of the same q, or a box.

    ``mad``: by `cutoff` median absolute deviations or more from the median; ``percentile``: by `cutoff` standard
    deviations or more from the mean, both of the values between the two `percentiles`.
    """

    kind: Literal["outliers"] = "outliers"
    region: Literal["ring", "box"] = "ring"
    method: Literal["mad", "percentile"] = "mad"
    cutoff: PositiveFloat = 3.0
    rings: PositiveInt = 180
    box_size: PositiveInt = 32
    percentiles: tuple[float, float] = (5.0, 95.0)

    @model_validator(mode="after")
    def _percentiles_in_order(self) -> Self:
        if not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            raise ValueError(f"percentiles {self.percentiles} are not two rising numbers within 0 to 100")
        return self


class FileMask(Edit):
    """A mask read from a file; its `good` pixels are kept here, and the file is not needed any more.

    With `blemish` the bad pixels belong to the detector: nothing brings them back.
    """

    kind: Literal["file"] = "file"
    source: str
    sha256: str
    good: PixelSet
    blemish: bool = False

    @model_validator(mode="after")
    def _is_what_was_read(self) -> Self:
        if self.sha256 != self.good.digest:
            raise ValueError("the pixels are not those that were read (checksum)")
        return self


class Detector(Edit):
    """Gaps and dead pixels of a detector model; they become blemishes."""

    kind: Literal["detector"] = "detector"
    name: str
    good: PixelSet


class Morphology(Edit):
    """Shrink (erode), grow (dilate), open or close the used area, `steps` times by the four neighbours.

    The frame's border is no edge of the used area.
    """

    kind: Literal["morphology"] = "morphology"
    operation: Literal["erode", "dilate", "open", "close"]
    steps: PositiveInt = 1


class GeometryChange(Edit):
    """New values for parts of the geometry."""

    kind: Literal["geometry"] = "geometry"
    energy: PositiveFloat | None = None
    detector_distance: PositiveFloat | None = None
    pixel_size: PositiveFloat | None = None
    beam_center_x: float | None = None
    beam_center_y: float | None = None
    swing_horizontal: float | None = None
    swing_vertical: float | None = None
    incident_angle: float | None = None
    orientation: float | None = None


class Center(Edit):
    """The beam centre found from the symmetry of the image; `found` is (x, y)."""

    kind: Literal["center"] = "center"
    max_radius: PositiveInt = 384
    found: Point | None = None


def _a_request(request: PartitionRequest) -> PartitionRequest:
    request.check()
    return request


class Partition(Edit):
    """Bins along two maps; the last of these edits counts, on the mask and geometry as they are in the end."""

    kind: Literal["partition"] = "partition"
    request: Annotated[PartitionRequest, AfterValidator(_a_request)]


class MergeBins(Edit):
    """Dynamic bins made one; each is named by its place in the grid of bins (from 0), which no label changes."""

    kind: Literal["merge_bins"] = "merge_bins"
    cells: Annotated[tuple[Cell, ...], Field(min_length=2)]


class SplitBin(Edit):
    """A dynamic bin cut into `number` parts of the same range along a map of the partition."""

    kind: Literal["split_bin"] = "split_bin"
    cell: Cell
    axis: Literal[0, 1]
    number: Annotated[int, Field(ge=2)]


type AnyEdit = Annotated[
    Rectangle
    | Circle
    | Ellipse
    | Polygon
    | Line
    | Brush
    | Pixels
    | Range
    | Threshold
    | Outliers
    | Similar
    | FileMask
    | Detector
    | Morphology
    | GeometryChange
    | Center
    | Partition
    | MergeBins
    | SplitBin,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[Edit] = TypeAdapter(AnyEdit)


def parse_edit(entry: Mapping[str, Any] | Edit) -> Edit:
    """Return the edit that a mapping (as in JSON) describes.

    Raises
    ------
    QMapError
        With all that is wrong with it.
    """
    if isinstance(entry, Edit):
        return entry
    try:
        return _ADAPTER.validate_python(dict(entry))
    except ValidationError as error:
        kind = entry.get("kind")
        raise QMapError(
            f"the edit {kind!r} can't be used" if kind else "an edit can't be used", got="; ".join(problems_of(error))
        ) from error


def problems_of(error: ValidationError) -> Iterable[str]:
    """Return one line for each thing that pydantic found wrong: where, and what."""
    for item in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        yield f"{place}: {message}" if place else message
