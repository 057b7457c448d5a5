"""Execute a parameterised notebook with papermill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xpcs_nb.errors import MissingFileError, StepError

__all__ = ["recipe_path", "run_recipe"]

_PACKAGE = Path(__file__).resolve().parents[1]
#: In a checkout the notebooks stand beside the package; a wheel carries them inside (see pyproject.toml).
_FOLDERS = (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks")


def recipe_path(name: str) -> Path:
    """Return the path of a recipe that comes with the package, or of a notebook file of one's own.

    Raises
    ------
    MissingFileError
        There is no such recipe; the message lists those there are.
    """
    own = Path(name)
    if own.suffix == ".ipynb" and own.is_file():
        return own
    for folder in _FOLDERS:
        if (found := folder / f"{name}.ipynb").is_file():
            return found
    known = sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.ipynb")})
    raise MissingFileError("no such recipe", got=name, expected=" or ".join(known) or "a notebook file")


def run_recipe(name: str, output: Path, parameters: Mapping[str, Any], *, kernel: str = "python3") -> Path:
    """Execute a recipe with `parameters` and keep the executed notebook at `output`.

    Raises
    ------
    StepError
        A cell failed; the notebook at `output` shows which, with its traceback.
    """
    # papermill and the notebook stack are heavy: they load when a recipe runs.
    import papermill
    from papermill.exceptions import PapermillExecutionError

    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            str(recipe_path(name)),
            str(output),
            parameters=dict(parameters),
            kernel_name=kernel,
            progress_bar=False,
            log_output=False,
            cwd=str(output.parent),
        )
    except PapermillExecutionError as error:
        raise StepError(
            f"cell {error.exec_count} of the notebook failed: {error.ename}: {error.evalue}",
            path=output,
            where=f"recipe {name}",
            hint="Open the notebook: the failing cell is marked, with its traceback.",
        ) from error
    return output
