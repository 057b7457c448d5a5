"""Curves for other programs: text, CSV, NXcanSAS; and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xpcs_nb.errors import FileFormatError, MissingFileError, OptionError
from xpcs_nb.hdf5 import CurveContent, atomic_file, read_nxcansas, write_nxcansas

__all__ = ["export_curve", "export_g2", "export_intensity", "export_xsvs", "read_curve"]

type Floats = NDArray[np.float64]

TEXT = {".txt": " ", ".dat": " ", ".csv": ","}
NEXUS = (".h5", ".hdf5", ".hdf", ".nxs")
#: Columns of a curve, beside q or phi.
COLUMNS = ("intensity", "intensity_err", "intensity_err_pixels", "n_pixels", "source")


def export_curve(curve: xr.Dataset, path: str | PathLike[str], *, overwrite: bool = False, title: str = "") -> Path:
    """Write a curve of SAXS: text (``.txt``, ``.dat``), CSV (``.csv``), or NXcanSAS (``.h5``, ``.nxs``), by the name.

    Text files begin with lines ``# name: value``: units, the error common to all points, and each step that was done.
    Points without intensity (bins without pixels) are left out.

    Parameters
    ----------
    curve
        What `xpcs_nb.integrate_wedge`, `integrate_ring` or `master_curve` returned, or what was made of it.
    path
        Where; the ending tells the format.
    overwrite
        Replace a file of that name.
    title
        What is shown as its name; that of the file, when not given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If the ending is none of these, this is no curve, or it is one by phi and the format has only q.
    ResultExistsError, WriteError
        If the file exists and `overwrite` is False, or can't be written.
    """
    path = Path(path)
    axis = next((name for name in ("q", "phi") if curve.get("intensity", xr.DataArray()).dims == (name,)), None)
    if axis is None or "intensity_err" not in curve:
        raise OptionError("this is no curve of SAXS", got=", ".join(map(str, curve)), expected="intensity by q or phi")
    there = np.isfinite(curve["intensity"].to_numpy())
    units = str(curve["intensity"].attrs.get("units", ""))
    notes = {"scale_err": float(curve.get("scale_err", 0.0)), "normalized_by": " ".join(_words(curve, "normalized_by"))}
    if path.suffix in NEXUS:
        if axis != "q":
            raise OptionError("NXcanSAS has curves of q only", path=path, expected="a text or CSV file for one by phi")
        q, value, error = (curve[name].to_numpy()[there] for name in ("q", "intensity", "intensity_err"))
        steps = _words(curve, "steps")
        content = CurveContent(q=q, intensity=value, error=error, units=units, title=title, steps=steps, notes=notes)
        return write_nxcansas(path, content, overwrite=overwrite)
    unit = str(curve[axis].attrs.get("units", ""))
    header = [("title", title or path.stem), (f"{axis}_units", unit), ("intensity_units", units), *notes.items()]
    header += [("step", step) for step in _words(curve, "steps")]
    names = [axis, *(name for name in COLUMNS if name in curve.variables)]
    return _write_table(path, {name: curve[name].to_numpy()[there] for name in names}, header, overwrite)


def export_g2(result: xr.DataTree, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write g2 and its errors as a table, a row for each delay: delay, then g2 and error of each bin.

    Raises
    ------
    OptionError
        If the result has no g2, or the ending is not one of a text file.
    ResultExistsError, WriteError
        As `export_curve`.
    """
    if "multitau" not in result.root.children:
        raise OptionError("the result has no g2", got=", ".join(result.root.children), expected="multitau")
    data = result.root["multitau"].to_dataset()
    columns: dict[str, Floats] = {"delay": data["delay"].to_numpy()}
    header: list[tuple[str, object]] = [("title", result.root.attrs.get("name", "g2")), ("delay_units", "s")]
    for label in data["bin"].to_numpy():
        one = data.isel(bin=int(np.flatnonzero(data["bin"].to_numpy() == label)[0]))
        place = ", ".join(f"{name} {float(one[name]):.6g}" for name in ("q", "phi") if name in one.coords)
        header.append((f"bin {label}", place or "unknown place"))
        columns[f"g2_{label}"] = one["g2"].to_numpy()
        if "g2_err" in one:
            columns[f"g2_err_{label}"] = one["g2_err"].to_numpy()
    return _write_table(Path(path), columns, header, overwrite)


def export_intensity(result: xr.DataTree, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the mean intensity of the used pixels against time as a table.

    Raises
    ------
    OptionError, ResultExistsError, WriteError
        As `export_g2`.
    """
    if "saxs" not in result.root.children or "intensity" not in result.root["saxs"]:
        raise OptionError("the result has no intensity against time", got=", ".join(result.root.children))
    data = result.root["saxs"]["intensity"]
    header = [("time_units", "s"), ("intensity_units", data.attrs.get("units", ""))]
    columns = {"time": data["time"].to_numpy(), "intensity": data.to_numpy()}
    return _write_table(Path(path), columns, header, overwrite)


def export_xsvs(data: xr.Dataset, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write contrast against exposure as a table, a row for each bin and exposure that has a contrast.

    The others are named in the header, with the reason.

    Raises
    ------
    OptionError
        If this is no speckle visibility, or the ending is not one of a text file.
    ResultExistsError, WriteError
        As `export_curve`.
    """
    if not {"contrast", "contrast_err", "kbar", "status"} <= set(data):
        raise OptionError("this is no speckle visibility", got=", ".join(map(str, data)), expected="what xsvs returns")
    flat = data.stack(row=("bin", "exposure"))
    ok = (flat["status"] == "ok").to_numpy()
    header: list[tuple[str, object]] = [("exposure_units", "s"), ("q_units", "1/angstrom"), ("phi_units", "degree")]
    for row in np.flatnonzero(~ok):
        one = flat.isel(row=int(row))
        header.append((f"bin {int(one['bin'])}, exposure {float(one['exposure']):g}", str(one["status"].item())))
    names = ["bin", "q", "phi", "exposure", "exposure_frames", "n_windows", "kbar", "contrast", "contrast_err"]
    names += ["contrast_err_photons", "contrast_moment", "contrast_moment_err"]
    columns = {name: flat[name].to_numpy()[ok] for name in names if name in flat.variables}
    return _write_table(Path(path), columns, header, overwrite)


def _words(curve: xr.Dataset, name: str) -> tuple[str, ...]:
    value = curve.attrs.get(name, ())
    return (value,) if isinstance(value, str) else tuple(value)


def _write_table(path: Path, columns: Mapping[str, Floats], header: list[tuple[str, object]], overwrite: bool) -> Path:
    if path.suffix not in TEXT:
        raise OptionError(
            "the ending tells no format", path=path, expected=" or ".join([*TEXT, *NEXUS]) + " (curves of q)"
        )
    separator = TEXT[path.suffix]
    names = separator.join(columns)
    lines = [f"# {name}: {value}" for name, value in header] + [names if separator == "," else f"# {names}"]
    with atomic_file(path, overwrite=overwrite) as part:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            np.savetxt(file, np.column_stack(list(columns.values())), fmt="%.10g", delimiter=separator)
    return path


def read_curve(path: str | PathLike[str]) -> xr.Dataset:
    """Read a curve by q: what `export_curve` wrote, an NXcanSAS file, or a plain table of q, intensity and error.

    Without lines that say so, q is in 1/angstrom and the intensity in 1/cm, as tables of standards are.

    Returns
    -------
    xarray.Dataset
        ``intensity``, ``intensity_err``, ``scale_err`` by ``q`` (or ``phi``).

    Raises
    ------
    MissingFileError
        If there is no such file.
    FileFormatError
        If it is no table of numbers, or has no errors.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError("there is no such file", path=path)
    if path.suffix in NEXUS:
        content = read_nxcansas(path)
        header = {"intensity_units": content.units} | {name: str(value) for name, value in content.notes.items()}
        return _dataset("q", (content.q, content.intensity, content.error), header, content.steps)
    header, steps, names, table = _read_table(path)
    if table.shape[1] < 3:
        raise FileFormatError("a curve has q, intensity and its error", path=path, got=f"{table.shape[1]} columns")
    axis = "phi" if names[:1] == ["phi"] else "q"
    return _dataset(axis, (table[:, 0], table[:, 1], table[:, 2]), header, tuple(steps))


def _dataset(
    axis: str, columns: tuple[Floats, Floats, Floats], header: Mapping[str, str], steps: tuple[str, ...]
) -> xr.Dataset:
    units = {"units": header.get("intensity_units", "1/cm")}
    place = {"units": header.get(f"{axis}_units", "1/angstrom")}
    return xr.Dataset(
        {
            "intensity": (axis, columns[1], units),
            "intensity_err": (axis, columns[2], units),
            "scale_err": ((), float(header.get("scale_err", 0.0)), {"units": "1"}),
        },
        coords={axis: (axis, columns[0], place)},
        attrs={"steps": steps, "normalized_by": tuple(header.get("normalized_by", "").split())},
    )


def _read_table(path: Path) -> tuple[dict[str, str], list[str], list[str], Floats]:
    """Return header, steps, names of the columns, and the numbers."""
    header: dict[str, str] = {}
    steps: list[str] = []
    names: list[str] = []
    rows: list[list[float]] = []
    for number, line in _lines(path):
        if line.startswith("#"):
            name, colon, value = line[1:].strip().partition(": ")
            if name == "step":
                steps.append(value)
            elif colon:
                header[name] = value
            else:
                names = name.split()
            continue
        words = line.replace(",", " ").split()
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            if rows:
                raise FileFormatError("a line holds no numbers", path=path, where=f"line {number}", got=line) from None
            names = words
    if not rows or len({len(row) for row in rows}) != 1:
        raise FileFormatError("this is no table of numbers", path=path, expected="columns q, intensity, error")
    return header, steps, names, np.array(rows)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise FileFormatError("this is no text file", path=path, got=str(error)) from error
