"""Execute a parameterised notebook with papermill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xpcs_nb.errors import StepError
from xpcs_nb.recipes._recipe import recipe_path

__all__ = ["run_recipe"]


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
