"""Qmaps described in a TOML file: where to begin, what to edit, how to cut."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from xpcs_nb.core import FrameSource, Geometry
from xpcs_nb.errors import FileFormatError, MissingFileError, QMapError
from xpcs_nb.qmap._edits import (
    Brush,
    Center,
    Circle,
    Edit,
    Ellipse,
    GeometryChange,
    Line,
    Morphology,
    Outliers,
    Partition,
    Pixels,
    Polygon,
    Range,
    Rectangle,
    Similar,
    Threshold,
    problems_of,
)
from xpcs_nb.qmap._qmap import QMap
from xpcs_nb.qmap._request_parse import request_of

__all__ = ["build_qmap"]

CONFIG = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _FileEdit(Edit):
    kind: Literal["file"]
    path: Path
    key: str | None = None
    inverted: bool = False
    blemish: bool = False


class _DetectorEdit(Edit):
    kind: Literal["detector"]
    name: str


type _SpecEdit = Annotated[
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
    | Morphology
    | GeometryChange
    | Center
    | _FileEdit
    | _DetectorEdit,
    Field(discriminator="kind"),
]


class _Geometry(BaseModel):
    model_config = CONFIG

    energy: PositiveFloat
    detector_distance: PositiveFloat
    pixel_size: PositiveFloat
    beam_center_x: float
    beam_center_y: float
    swing_horizontal: float = 0.0
    swing_vertical: float = 0.0
    incident_angle: float | None = None
    orientation: float = 0.0

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        self.geometry()
        return self

    def geometry(self) -> Geometry:
        return Geometry(**self.model_dump())


class _Start(BaseModel):
    """Where a qmap begins: one of the first five."""

    model_config = CONFIG

    raw: Path | None = None
    result: Path | None = None
    qmap: Path | None = None
    poni: Path | None = None
    geometry: _Geometry | None = None
    metadata: Path | None = None
    max_frames: PositiveInt = 1000
    shape: tuple[PositiveInt, PositiveInt] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = ("raw", "result", "qmap", "poni", "geometry")
        given = [name for name in sources if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"one of {', '.join(sources)} is needed, and there is {' and '.join(given) or 'none'}")
        if self.metadata is not None and self.raw is None:
            raise ValueError("metadata go with raw")
        if self.geometry is not None and self.shape is None:
            raise ValueError("a geometry needs the shape of the frames: [rows, columns]")
        if self.shape is not None and given[0] not in {"poni", "geometry"}:
            raise ValueError(f"a shape does not go with {given[0]}, which has its own")
        return self


class _Spec(BaseModel):
    model_config = CONFIG

    start: _Start
    edits: tuple[_SpecEdit, ...] = ()
    partition: Partition | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_request(cls, values: Any) -> Any:
        """Turn the maps in ``[partition]`` into a request, which is then judged with the rest."""
        axes = values.get("partition") if isinstance(values, dict) else None
        if not isinstance(axes, dict):
            return values
        axes = dict(axes)
        request = request_of(axes, axes.pop("ellipse", None))
        return values | {"partition": {"kind": "partition", "request": request}}


def build_qmap(path: str | PathLike[str], open_frames: Callable[[Path], FrameSource] | None = None) -> QMap:
    """Return the qmap that a TOML file describes; its paths count from the folder it lies in.

    Parameters
    ----------
    path
        The file: ``[start]``, ``[[edits]]``, ``[partition]``.
    open_frames
        `xpcs_nb.open_frames`, where the file begins with raw frames.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such file, or it is not TOML.
    QMapError
        With all that is wrong in the file; or with what an edit can't do here.
    """
    path = Path(path)
    spec = _read(path)
    qmap = _begin(spec.start, path.parent, open_frames)
    for number, edit in enumerate(spec.edits):
        try:
            qmap = _apply(qmap, edit, path.parent)
        except QMapError as error:
            raise error.with_place(path=path, where=f"edits.{number}") from error
    return qmap if spec.partition is None else qmap.edit(spec.partition)


def _read(path: Path) -> _Spec:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError as error:
        raise MissingFileError("there is no such file", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileFormatError("the file is not TOML", path=path, got=str(error)) from error
    try:
        return _Spec.model_validate(content)
    except ValidationError as error:
        problems = list(problems_of(error))
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise QMapError(f"the description has {count}", path=path, got="; ".join(problems)) from error


def _begin(start: _Start, folder: Path, open_frames: Callable[[Path], FrameSource] | None) -> QMap:
    if start.result is not None:
        return QMap.from_result(folder / start.result)
    if start.qmap is not None:
        return QMap.from_file(folder / start.qmap)
    if start.poni is not None:
        return QMap.from_poni(folder / start.poni, start.shape)
    if start.geometry is not None and start.shape is not None:
        return QMap.from_geometry(start.geometry.geometry(), start.shape)
    if open_frames is None or start.raw is None:
        raise QMapError("raw frames can't be opened here", hint="Pass open_frames=xpcs_nb.open_frames.")
    with open_frames(folder / start.raw) as raw:
        metadata = None if start.metadata is None else folder / start.metadata
        return QMap.from_frames(raw, metadata, max_frames=start.max_frames)


def _apply(qmap: QMap, edit: Edit, folder: Path) -> QMap:
    if isinstance(edit, _FileEdit):
        return qmap.mask_file(folder / edit.path, key=edit.key, inverted=edit.inverted, blemish=edit.blemish)
    if isinstance(edit, _DetectorEdit):
        return qmap.mask_detector(edit.name)
    return qmap.edit(edit)
