"""``xpcs-nb search``: find published results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xpcs_nb.cli._shared import SiteOption, facility
from xpcs_nb.errors import OptionError

if TYPE_CHECKING:
    from xpcs_nb.catalog import Filter, SearchResult

__all__ = ["filters_of", "search"]

#: key=value, key!=value, key, !key
CONDITION = re.compile(r"(?P<no>!?)(?P<key>[^=!]+)((?P<sign>!?=)(?P<value>.*))?", re.DOTALL)


def search(
    text: Annotated[str, typer.Argument(help="Words to look for; all records without any")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            "-w",
            help="key=value, key!=value, key=low..high (either end may be left out), key (has it), !key (has it not); "
            "the same key again: any of its values",
        ),
    ] = None,
    facet: Annotated[list[str] | None, typer.Option(help="Count the values of this key")] = None,
    sort: Annotated[list[str] | None, typer.Option(help="Key to sort by; =-key for falling order; several")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Records to show")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Records to leave out before")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write all of the records as JSON")] = False,
    site: SiteOption = None,
    catalogue: Annotated[Path | None, typer.Option(help="Catalogue file, in place of that of a site")] = None,
) -> None:
    """Search the catalogue of this machine, or of a site."""
    arguments: dict[str, Any] = {
        "where": filters_of(where or []),
        "facets": facet or [],
        "sort": sort[0] if sort and len(sort) == 1 else sort,
        "limit": limit,
        "offset": offset,
    }
    if catalogue is not None:
        from xpcs_nb.catalog import Catalog

        with Catalog(catalogue) as embedded:
            found = embedded.search(text, **arguments)
    else:
        with facility(site) as there:
            found = there.catalog.search(text, **arguments)
    typer.echo(_as_json(found) if as_json else _as_text(found))


def filters_of(conditions: list[str]) -> dict[str, Filter]:
    """Return the filters that the words of the command line mean.

    Raises
    ------
    OptionError
        One of them means nothing.
    """
    from xpcs_nb.catalog import Not

    filters: dict[str, Any] = {}
    for condition in conditions:
        match = CONDITION.fullmatch(condition)
        if match is None or (match["no"] and match["sign"]):
            raise OptionError("this is no condition", got=condition, expected="key=value, key=low..high, key or !key")
        key, value = match["key"].strip(), match["value"]
        if value is None:
            new: Any = None if match["no"] else (None, None)
        else:
            new = _range(value) or _values(value)
            new = Not(new) if match["sign"] == "!=" else new
        if key not in filters:
            filters[key] = new
        elif isinstance(new, list) and isinstance(filters[key], list):
            filters[key] += new
        else:
            raise OptionError("a key has several conditions", got=condition, expected="one, or several values")
    return filters


def _range(value: str) -> tuple[Any, Any] | None:
    low, dots, high = value.partition("..")
    if not dots:
        return None
    ends = [end.strip() or None for end in (low, high)]
    numbers = [None if end is None else _number(end) for end in ends]
    missing = [end for end, number in zip(ends, numbers, strict=True) if end is not None and number is None]
    return (ends[0], ends[1]) if missing else (numbers[0], numbers[1])


def _values(value: str) -> list[Any]:
    """Return what a value can mean: a number may be a text in the records."""
    number = {"true": 1.0, "false": 0.0}.get(value.lower(), _number(value))
    return [value] if number is None else [number, value]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _as_json(found: SearchResult) -> str:
    records = [record.model_dump(mode="json") for record in found.records]
    counts = {name: [{"value": value, "count": n} for value, n in values] for name, values in found.facets.items()}
    return json.dumps({"total": found.total, "offset": found.offset, "facets": counts, "records": records}, indent=2)


def _as_text(found: SearchResult) -> str:
    lines = []
    for record in found.records:
        time = record.start_time or record.created
        lines.append(f"{time:%Y-%m-%d %H:%M}  " if time else " " * 18)
        lines[-1] += f"{record.title}  {record.subject}"
    shown = f", {found.offset + 1} to {found.offset + len(lines)} shown" if 0 < len(lines) < found.total else ""
    lines.append(f"{found.total} records{shown}")
    for name, values in found.facets.items():
        lines.append(f"{name}:")
        lines += [f"  {count:>8}  {value}" for value, count in values]
    return "\n".join(lines)
