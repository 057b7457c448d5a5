"""What a partition is asked to be: bins along two maps."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from xpcs_nb.qmap._bins import BinRequest, check_request

__all__ = ["Axis", "EllipseFrame", "PartitionRequest"]

type Edges = tuple[float, ...]

CONFIG = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Axis(BaseModel):
    """Bins along one map.

    Attributes
    ----------
    map
        Name of the map.
    bins
        Numbers of dynamic and static bins, the latter a multiple of the former; or the edges of both.
    scale
        ``linear`` or ``log``.
    range
        Ends of the bins where `bins` are numbers; None takes those of the used pixels.
    offset
        Added to phi before it is cut, degrees.
    symmetry
        Number of parts of the circle that count as one.
    """

    model_config = CONFIG

    map: str
    bins: tuple[int, int] | tuple[Edges, Edges]
    scale: Literal["linear", "log"] = "linear"
    range: tuple[float, float] | None = None
    offset: float = 0.0
    symmetry: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        check_request(self.map, self.bins, self.scale)
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"the range of {self.map} is empty: {self.range[0]} to {self.range[1]}")
        if self.range is not None and self.range[0] <= 0 and self.scale == "log":
            raise ValueError(f"a logarithmic scale along {self.map} can't begin at {self.range[0]}")
        if self.map != "phi" and (self.offset or self.symmetry > 1):
            raise ValueError(f"an offset or a symmetry goes with phi, not with {self.map}")
        if (self.range is not None or not self.counted) and (self.offset or self.symmetry > 1):
            raise ValueError("an offset or a symmetry of phi goes with automatic bins only")
        return self

    @property
    def counted(self) -> bool:
        """Whether the bins are given as numbers."""
        return isinstance(self.bins[0], int)

    @property
    def request(self) -> BinRequest:
        """The bins as `axis_bins` takes them."""
        return self.bins


class EllipseFrame(BaseModel):
    """An ellipse that is one in the map rho: its centre (x, y), half axes (pixels) and turn (degrees, x towards y)."""

    model_config = CONFIG

    x: float
    y: float
    a: PositiveFloat
    b: PositiveFloat
    angle: float = 0.0


class PartitionRequest(BaseModel):
    """Bins along two maps.

    Attributes
    ----------
    axes
        The two maps.
    ellipse
        The ellipse of the maps ``rho`` and ``phi``; ``"mask"`` takes the one with the moments of the used pixels.
        None keeps the maps of the geometry.
    """

    model_config = CONFIG

    axes: tuple[Axis, Axis]
    ellipse: EllipseFrame | Literal["mask"] | None = None

    def check(self) -> None:
        """Raise ValueError if the two axes contradict each other."""
        names = [axis.map for axis in self.axes]
        if names[0] == names[1]:
            raise ValueError(f"both axes are {names[0]}")
        if self.ellipse is not None and names != ["rho", "phi"]:
            raise ValueError(f"an ellipse goes with the maps rho and phi, not with {' and '.join(names)}")
        if self.ellipse is None and "rho" in names:
            raise ValueError("the map rho needs an ellipse")
