"""Types that a recipe gives its parameters, beside Python's own: what a text means, so that it can be checked early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

__all__ = ["Dataset", "InputFile", "Meaning", "Options"]


@dataclass(frozen=True)
class Meaning:
    """What a value stands for; the types below carry one each."""

    word: str


#: A raw file, a result file, or the subject of a record. Files must exist, and their content is part of a job's key.
Dataset = Annotated[str, Meaning("dataset")]
#: A file that must exist; its content is part of a job's key.
InputFile = Annotated[str, Meaning("file")]
#: Fields of `xpcs_nb.ReductionOptions`, and how nodes are asked for (``queue``, ``account``, ``walltime``, ...).
Options = Annotated[dict[str, Any], Meaning("options")]
