"""What a record says of a result: what was measured, what was found, and how it was made; of limited size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xpcs_nb.core import Metadata

__all__ = ["LARGEST_METADATA", "cycle_and_experiment", "dc_block", "found_values", "limited", "measured_values"]

#: Bytes of a record's metadata as JSON: with its list of files it has to pass through the state of a flow run.
LARGEST_METADATA = 16_000
#: Longer texts are left to the metadata file.
LONGEST_TEXT = 200

#: Names that people search for, and the entries of a metadata file that hold them, the first found wins.
MEASURED = {
    "cycle": ("/entry/user/cycle", "/entry/instrument/bluesky/metadata/cycle"),
    "experiment": ("/entry/user/experiment", "/entry/instrument/bluesky/metadata/experiment"),
    "proposal": ("/entry/user/proposal_id", "/entry/user/proposal"),
    "user": ("/entry/user/name",),
    "sample": ("/entry/sample/short_description", "/entry/sample/name", "/entry/sample/sample"),
    "temperature": ("/entry/sample/qnw1_temperature", "/entry/sample/temperature"),
    "detector": ("/entry/instrument/detector_1/detector_name",),
    "scan_number": ("/entry/scan_number",),
    "start_time": ("/entry/start_time",),
}


def measured_values(metadata: Metadata) -> dict[str, Any]:
    """Return what a metadata file says, under the names people search for and under its own paths."""
    values = metadata.values
    named = {
        name: next((values[key] for key in keys if values.get(key) not in (None, "", "none")), None)
        for name, keys in MEASURED.items()
    }
    named |= {
        "energy": metadata.energy,
        "frame_time": metadata.frame_time,
        "count_time": metadata.count_time,
        "detector_distance": metadata.detector_distance,
    }
    return {name: value for name, value in named.items() if value is not None} | values


def found_values(result: Path) -> dict[str, Any]:
    """Return what the reduction found and how it was made, from the result file."""
    import numpy as np

    from xpcs_nb.analysis import trust_report
    from xpcs_nb.results import open_result

    with open_result(result) as tree:
        saxs = tree["saxs"].to_dataset()
        provenance = tree["provenance"].attrs if "provenance" in tree.children else {}
        return {
            "analysis_type": tree.attrs["analysis_type"],
            "mean_counts_per_pixel_and_frame": float(np.nanmean(saxs["intensity"])),
            "frames": int(saxs.sizes["time"]),
            **trust_report(tree).short(),
            "engine": provenance.get("engine"),
            "device": provenance.get("device"),
            "qmap_hash": provenance.get("qmap_hash"),
            "options": {
                name: value for name, value in dict(provenance.get("options", {})).items() if value not in (None, "")
            },
        }


def cycle_and_experiment(values: Mapping[str, Any], raw: Path) -> dict[str, str]:
    """Return cycle and experiment as far as metadata or the raw file's path (``.../2026-2/NAME/data/...``) tell."""
    found = {name: str(values[name]) for name in ("cycle", "experiment") if values.get(name)}
    parts = raw.parts
    for place, part in enumerate(parts[:-2]):
        if len(part) == 6 and part[:4].isdecimal() and part[4] == "-" and part[5] in "123":
            return {"cycle": part, "experiment": parts[place + 1]} | found
    return found


def dc_block(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the DataCite entries that follow from the fields of a record."""
    dates = [{"date": fields["created"], "dateType": "Created"}]
    if "start_time" in fields:
        dates.append({"date": fields["start_time"], "dateType": "Collected"})
    values = fields["project_metadata"]
    return {
        "titles": [{"title": fields["title"]}],
        "creators": [{"name": values["user"]}] if "user" in values else [],
        "subjects": [{"subject": values[name]} for name in ("sample", "experiment", "cycle") if name in values],
        "dates": dates,
    }


def limited(values: Mapping[str, Any], largest: int = LARGEST_METADATA) -> dict[str, Any]:
    """Return `values` without those that an index can't hold (NaN, long texts), cut to `largest` bytes.

    What comes first is kept; all of it is in the metadata file that is published too.
    """
    kept: dict[str, Any] = {}
    room = largest
    for name, value in values.items():
        plain = _plain(value)
        if plain is None:
            continue
        room -= len(json.dumps({name: plain}))
        if room < 0:
            break
        kept[name] = plain
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = {str(name): _plain(each) for name, each in value.items()}
        return {name: each for name, each in inner.items() if each is not None} or None
    if isinstance(value, list | tuple):
        return [each for each in map(_plain, value) if each is not None] or None
    if isinstance(value, str):
        return value if 0 < len(value) <= LONGEST_TEXT else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float) else None
