"""Exceptions: each says what was got, what was expected and what to do next, and each is also a builtin.

``except ValueError`` therefore catches a bad option, ``except OSError`` an unreadable file, and
``except XpcsError`` whatever this package found wrong.
"""

from __future__ import annotations

from os import PathLike
from typing import Any, Self

__all__ = [
    "BatchError",
    "CorruptDataError",
    "EngineError",
    "FacilityError",
    "FileFormatError",
    "FitError",
    "FlowDefinitionError",
    "FlowError",
    "LoginError",
    "MissingExtraError",
    "MissingFileError",
    "MissingKeyError",
    "OptionError",
    "QMapError",
    "ResultExistsError",
    "SiteError",
    "StepError",
    "WriteError",
    "XpcsError",
]


class XpcsError(Exception):
    """Root of all errors that this package raises on purpose.

    Parameters
    ----------
    problem
        What is wrong, in words of the field.
    path
        The file it was found in.
    where
        The place inside that file, or the step of the work (``/entry/sample``, ``frame 17``, ``correlate``).
    got, expected
        The value that was found, and the one that was looked for.
    hint
        What to do next, as a sentence.
    """

    # ImportError and OSError bring attributes of their own that are narrower than ours.
    path: Any

    def __init__(
        self,
        problem: str,
        *,
        path: str | PathLike[str] | None = None,
        where: str | None = None,
        got: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.path = path
        self.where = where
        self.got = got
        self.expected = expected
        self.hint = hint
        super().__init__(problem)

    def __str__(self) -> str:
        place = ", ".join(str(part) for part in (self.path, self.where) if part is not None)
        found = ", ".join(
            f"{word} {value}" for word, value in (("got", self.got), ("expected", self.expected)) if value is not None
        )
        text = f"{place}: {self.problem}" if place else self.problem
        text = f"{text}: {found}" if found else text
        return f"{text}. {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not survive the default pickling of exceptions, and worker
        # processes hand their errors to the parent by pickle.
        return _rebuild, (type(self), self.problem, self._fields())

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("path", "where", "got", "expected", "hint")}

    def with_place(self, *, path: str | PathLike[str] | None = None, where: str | None = None) -> Self:
        """Return this error with the file and place filled in where they are not known yet."""
        if self.path is None:
            self.path = path
        if self.where is None:
            self.where = where
        return self


def _rebuild(kind: type[XpcsError], problem: str, fields: dict[str, Any]) -> XpcsError:
    return kind(problem, **fields)


class OptionError(XpcsError, ValueError):
    """An option or argument has a value that can't be used."""


class FileFormatError(XpcsError, ValueError):
    """A file is not of the format that its name or its place says."""


class MissingFileError(XpcsError, FileNotFoundError):
    """A file that is needed is not there."""

    __str__ = XpcsError.__str__


class MissingKeyError(XpcsError, KeyError):
    """A file lacks an entry that is needed."""

    # KeyError shows the repr of its argument; ours is a sentence.
    __str__ = XpcsError.__str__


class CorruptDataError(XpcsError, OSError):
    """Data in a file can't be read, or can't be what was measured."""

    __str__ = XpcsError.__str__


class QMapError(XpcsError, ValueError):
    """A mask or partition contradicts itself, or the frames it is used on."""


class ResultExistsError(XpcsError, FileExistsError):
    """A result is there already and was not asked to be overwritten."""

    __str__ = XpcsError.__str__


class WriteError(XpcsError, OSError):
    """A file could not be written; what stood there before is untouched."""

    __str__ = XpcsError.__str__


class EngineError(XpcsError, RuntimeError):
    """A correlation engine failed."""


class FitError(XpcsError, ValueError):
    """A fit can't be done on the data given."""


class MissingExtraError(XpcsError, ImportError):
    """An optional package is not installed; the message names the extra to install."""

    __str__ = XpcsError.__str__


class StepError(XpcsError, RuntimeError):
    """A step of a flow failed; ``where`` is the step."""


class BatchError(XpcsError, RuntimeError):
    """A batch of recipes can't be started, or was stopped; its finished jobs are kept."""


class FlowDefinitionError(XpcsError, ValueError):
    """A flow definition has what can't be run, or refers to what is not there."""


class FlowError(XpcsError, RuntimeError):
    """A flow run failed or can't do what was asked of it; ``where`` is the step."""


class SiteError(XpcsError, ValueError):
    """A site file, or what it says of a facility, can't be used."""


class FacilityError(XpcsError, ConnectionError):
    """A service of a facility can't be reached, or refused what was asked."""

    __str__ = XpcsError.__str__


class LoginError(XpcsError, PermissionError):
    """A login is missing, has ended, or does not allow what was asked."""

    __str__ = XpcsError.__str__
