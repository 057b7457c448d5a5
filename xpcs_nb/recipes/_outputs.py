"""What a recipe made: a result, a fit, figures, numbers; noted where the batch, its report and `open_batch` find it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.errors import FileFormatError, MissingFileError, OptionError
from xpcs_nb.hdf5 import atomic_file

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from xpcs_nb.analysis import Dispersion

__all__ = ["FOLDER_VARIABLE", "OUTPUTS", "Outputs", "read_outputs", "save"]

#: A batch tells its jobs by this variable where their files go.
FOLDER_VARIABLE = "XPCS_NB_JOB_FOLDER"
OUTPUTS = "outputs.json"


@dataclass(frozen=True)
class Outputs:
    """What a recipe made.

    Attributes
    ----------
    folder
        Where the files are; None where nothing was written.
    values
        Numbers, texts and lists of them: ``D``, ``D_err``, ``trust``, ...
    result, fit
        Names of the result file and of the file of the fit, in `folder`.
    figures
        Names of pictures by what they show, in `folder`.
    """

    folder: Path | None
    values: Mapping[str, Any]
    result: str | None = None
    fit: str | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{_shown(value)}</td></tr>" for name, value in self.values.items()
        )
        return f"<table><tbody>{rows}</tbody></table>"


def save(
    result: str | Path | xr.DataTree | None = None,
    *,
    fit: xr.Dataset | None = None,
    dispersion: Dispersion | None = None,
    figures: Mapping[str, Figure] | None = None,
    folder: str | Path | None = None,
    **values: Any,
) -> Outputs:
    """Note what a recipe made; a recipe calls it once, in its last cell.

    Parameters
    ----------
    result
        The result file, or the result, opened. It is put beside the other files: as a second name of the same file
        where the disk allows it, else as a copy.
    fit
        What `fit_g2` returned.
    dispersion
        What `fit_dispersion` returned; its numbers become values: ``D``, ``D_err``, ``exponent``, ``exponent_err``.
    figures
        Pictures by name; each becomes ``figures/NAME.png``.
    folder
        Where the files go. In a batch this is known; without one, and outside of a batch, nothing is written.
    **values
        Whatever else is worth a column in the report of the batch: numbers, texts, lists of them, None.

    Returns
    -------
    Outputs
        Shows the values as a table at the end of the notebook.

    Raises
    ------
    OptionError
        A value can't be written as JSON.
    WriteError
        A file can't be written.
    """
    said = {**(_of_dispersion(dispersion) if dispersion is not None else {}), **values}
    content = {name: _plain(name, value) for name, value in said.items()}
    given = os.environ.get(FOLDER_VARIABLE) if folder is None else folder
    if given is None:
        return Outputs(None, content)
    here = Path(given).absolute()
    here.mkdir(parents=True, exist_ok=True)
    names = {name: f"figures/{name}.png" for name in figures or {}}
    if figures:
        _draw(figures, names, here)
    if fit is not None:
        _write_json(here / "fit.json", fit.to_dict())
    outputs = Outputs(here, content, _put(result, here), None if fit is None else "fit.json", names)
    document = {key: value for key, value in asdict(outputs).items() if key != "folder"}
    # Last: whoever finds it finds all that it names.
    _write_json(here / OUTPUTS, document)
    return outputs


def _draw(figures: Mapping[str, Figure], names: Mapping[str, str], folder: Path) -> None:
    # Imported late: a recipe without figures needs no matplotlib.
    from xpcs_nb.plots import write_figure

    for name, figure in figures.items():
        write_figure(figure, folder / names[name])


def read_outputs(folder: Path) -> Outputs | None:
    """Return what the recipe that ran in `folder` has saved; None if it has not.

    Raises
    ------
    FileFormatError
        The note is not of this package.
    """
    path = folder / OUTPUTS
    if not path.is_file():
        return None
    try:
        return Outputs(folder, **json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise FileFormatError("this does not say what a recipe made", path=path, got=error) from None


def _of_dispersion(found: Dispersion) -> dict[str, float]:
    return {name: getattr(found, name) for name in ("D", "D_err", "exponent", "exponent_err")}


def _put(result: str | Path | xr.DataTree | None, folder: Path) -> str | None:
    if result is None:
        return None
    path = Path(result if isinstance(result, str | Path) else str(result.attrs.get("path", "")))
    if not path.is_file():
        raise MissingFileError("the result that is to be saved is no file", got=path)
    target = folder / path.name
    if path.resolve() == target.resolve():
        return path.name
    with atomic_file(target, overwrite=True) as part:
        try:
            os.link(path.resolve(), part)
        except OSError:
            # Another disk, or one without hard links.
            shutil.copyfile(path, part)
    return path.name


def _plain(name: str, value: Any) -> Any:
    """Return a value as JSON has it; numpy's scalars and arrays become Python's."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    plain = asdict(plain) if is_dataclass(plain) and not isinstance(plain, type) else plain
    plain = str(plain) if isinstance(plain, Path) else plain
    try:
        json.dumps(plain)
    except (TypeError, ValueError) as error:
        raise OptionError("a value of a recipe can't be written as JSON", where=name, got=error) from None
    return plain


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.5g}"
    return escape(str(value))


def _write_json(path: Path, value: Any) -> None:
    with atomic_file(path, overwrite=True) as part:
        part.write_text(json.dumps(value, indent=1))
