"""A recipe: a notebook with a cell of parameters, each with type, default, and a comment that says what it is."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import tokenize
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xpcs_nb.errors import FileFormatError, MissingFileError
from xpcs_nb.recipes._types import Dataset, InputFile, Meaning, Options

__all__ = ["REQUIRED", "Parameter", "Recipe", "recipe_path"]

_PACKAGE = Path(__file__).resolve().parents[1]
#: In a checkout the notebooks stand beside the package; a wheel carries them inside (see pyproject.toml).
_FOLDERS = (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks")
#: What annotations may be made of.
_NAMES: dict[str, Any] = {
    **{kind.__name__: kind for kind in (str, int, float, bool, list, dict, tuple)},
    "Any": Any,
    "Literal": typing.Literal,
    "Dataset": Dataset,
    "InputFile": InputFile,
    "Options": Options,
}
#: The default of a parameter that has none.
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "(required)"})()


def recipe_path(name: str | Path) -> Path:
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


@dataclass(frozen=True)
class Parameter:
    """A parameter of a recipe.

    Attributes
    ----------
    name, help
        As the recipe has them.
    type
        What values it takes, for pydantic.
    said
        The type as the recipe writes it.
    default
        `REQUIRED` where it has none.
    """

    name: str
    type: Any
    said: str
    default: Any
    help: str

    @cached_property
    def meaning(self) -> str | None:
        """``dataset``, ``file`` or ``options`` for the types of that meaning, also within a list; else None."""
        return _meaning(self.type)

    @cached_property
    def adapter(self) -> Any:
        """What converts a value to the type, of pydantic."""
        from pydantic import TypeAdapter

        return TypeAdapter(self.type)


@dataclass(frozen=True)
class Recipe:
    """A parameterised notebook.

    Attributes
    ----------
    path
        The notebook file.
    source
        Its text.
    parameters
        By name. The first takes the dataset of a batch.
    """

    path: Path
    source: str
    parameters: Mapping[str, Parameter]

    @classmethod
    def load(cls, name: str | Path) -> Recipe:
        """Read a recipe: the name of one that comes with the package, or a notebook file.

        Raises
        ------
        MissingFileError
            There is no such recipe.
        FileFormatError
            It is no notebook, has no cell of parameters, or a parameter has neither type nor default.
        """
        path = recipe_path(name).absolute()
        source = path.read_text(encoding="utf-8")
        return cls(path, source, _parameters(_parameters_cell(path, source), path))

    @property
    def name(self) -> str:
        """Of the file, without its ending."""
        return self.path.stem

    @property
    def dataset_parameter(self) -> Parameter:
        """The parameter that takes the dataset of a batch: the first."""
        return next(iter(self.parameters.values()))

    @cached_property
    def checksum(self) -> str:
        """Sha256 of its cells: outputs, metadata and how JSON is indented play no part."""
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(self.source)["cells"]]
        return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _parameters_cell(path: Path, source: str) -> str:
    try:
        cells = json.loads(source)["cells"]
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError("this is no notebook (nbformat 4)", path=path, got=repr(error)) from None
    if not tagged:
        raise FileFormatError(
            "the notebook has no cell of parameters, so it is no recipe",
            path=path,
            expected="one cell with the tag `parameters`",
            hint="In JupyterLab: property inspector (the gears at the right), Add Tag.",
        )
    return "".join(tagged[0]["source"])


def _parameters(cell: str, path: Path) -> dict[str, Parameter]:
    try:
        body, comments = ast.parse(cell).body, _comments(cell)
    except (SyntaxError, tokenize.TokenError) as error:
        raise FileFormatError("the cell of parameters can't be read", path=path, got=error) from None
    found = [_parameter(each, comments, path) for each in body if isinstance(each, ast.Assign | ast.AnnAssign)]
    if not found:
        raise FileFormatError("the cell of parameters has none", path=path, expected="lines as in `q: float = 0.1`")
    return {parameter.name: parameter for parameter in found}


def _parameter(line: ast.Assign | ast.AnnAssign, comments: Mapping[int, str], path: Path) -> Parameter:
    target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
    name = ast.unparse(target)
    try:
        default = REQUIRED if line.value is None else ast.literal_eval(line.value)
        if isinstance(line, ast.AnnAssign):
            said = ast.unparse(line.annotation)
            kind = eval(said, {"__builtins__": {}}, _NAMES)  # noqa: S307 - the recipe itself is to be run
        else:
            kind, said = type(default), type(default).__name__
    except (ValueError, NameError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"the parameter {name} can't be read: {error}",
            path=path,
            got=ast.unparse(line),
            expected=f"a literal of a type made of {', '.join(_NAMES)}",
        ) from None
    return Parameter(name, kind, said, default, comments.get(line.end_lineno or line.lineno, ""))


def _comments(cell: str) -> dict[int, str]:
    """Return the comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}


def _meaning(kind: Any) -> str | None:
    for part in typing.get_args(kind):
        found = part.word if isinstance(part, Meaning) else _meaning(part)
        if found is not None:
            return str(found)
    return None
