"""What can be wrong with a qmap, found in one pass over its pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xpcs_nb.core import QMapArrays
from xpcs_nb.errors import QMapError

__all__ = ["Finding", "find_faults", "refuse_faults", "validate_arrays"]

#: Pixels looked at in one go, so that the temporaries stay in the processor's cache.
BLOCK = 1 << 17
#: Bins and pixels named in a message.
NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd.

    Attributes
    ----------
    severity
        ``"error"``: numbers would be wrong, or depend on the engine. ``"warning"``: worth a look.
    code
        Short name, for programs.
    message
        What, with numbers.
    hint
        What to do next; may be empty.
    """

    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the qmap can't be used as it is."""
        return self.severity == "error"

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}" + (f". {self.hint}" if self.hint else "")


def validate_arrays(arrays: QMapArrays, shape: tuple[int, int] | None = None) -> None:
    """Refuse what a qmap file holds if it contradicts itself or frames of `shape`, as `QMap.validate` does.

    A reduction needs no more than this: it loads faster than `QMap` with all its edits.

    Raises
    ------
    QMapError
        With every error that there is; warnings do not count.
    """
    refuse_faults(find_faults(arrays, shape), where=arrays.attrs.get("source_file") or None)


def refuse_faults(findings: list[Finding], *, where: str | None) -> None:
    """Raise `QMapError` for the errors among findings, if there are any."""
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        count = "" if len(errors) == 1 else f"{len(errors)} faults: "
        raise QMapError(
            f"the qmap can't be used: {count}" + "; ".join(finding.message for finding in errors),
            where=where,
            hint=" ".join(dict.fromkeys(finding.hint for finding in errors if finding.hint)) or None,
        )


def find_faults(arrays: QMapArrays, shape: tuple[int, int] | None = None) -> list[Finding]:
    """Return all faults of a qmap; with frames of `shape`, if given."""
    own = arrays.dynamic_roi_map.shape
    shapes = {name: getattr(arrays, name).shape for name in ("mask", "blemish", "static_roi_map")}
    different = {name: other for name, other in shapes.items() if other != own}
    if different:
        said = ", ".join(f"{name} {other}" for name, other in different.items())
        return [Finding("error", "shapes", f"its arrays have different shapes: dynamic_roi_map {own}, {said}")]
    findings = list(_shape_faults(own, shape))
    highest = max(int(labels.max(initial=0)) for labels in (arrays.dynamic_roi_map, arrays.static_roi_map))
    if highest > arrays.mask.size:
        return [*findings, Finding("error", "label", f"a label {highest} is larger than the number of pixels", _REMAKE)]
    summary = _survey(arrays)
    findings += _mask_faults(arrays, summary)
    for kind, seen in (("dynamic", summary.dynamic_seen), ("static", summary.static_seen)):
        findings += _list_faults(arrays, kind, seen)
    findings += _consistency_faults(arrays, summary)
    return findings


def _shape_faults(own: tuple[int, ...], shape: tuple[int, int] | None) -> Iterator[Finding]:
    if shape is None or own == tuple(shape):
        return
    turned = own == tuple(shape)[::-1]
    yield Finding(
        "error",
        "transposed" if turned else "shape",
        f"it is for frames of {own} and these are {tuple(shape)}",
        "Transposing it would fit: check which way round the detector was." if turned else "Is it of another detector?",
    )


@dataclass
class _Survey:
    """Counts over all pixels; `seen` is True for the labels that occur, `owner` the dynamic label of a static one."""

    used: int = 0
    masked_label: int = 0
    unlabelled: int = 0
    one_label: int = 0
    negative: int = 0
    split: bool = False
    dynamic_seen: NDArray[np.bool_] = None  # type: ignore[assignment]
    static_seen: NDArray[np.bool_] = None  # type: ignore[assignment]


def _survey(arrays: QMapArrays) -> _Survey:
    dynamic, static, mask = arrays.dynamic_roi_map.ravel(), arrays.static_roi_map.ravel(), arrays.mask.ravel()
    survey = _Survey()
    low = min(int(dynamic.min(initial=0)), int(static.min(initial=0)))
    survey.dynamic_seen = np.zeros(int(dynamic.max(initial=0)) + 1, dtype=bool)
    survey.static_seen = np.zeros(int(static.max(initial=0)) + 1, dtype=bool)
    owner = np.zeros(len(survey.static_seen), dtype=np.int32)
    for begin in range(0, dynamic.size, BLOCK):
        part = slice(begin, begin + BLOCK)
        d, s, m = dynamic[part], static[part], mask[part]
        if low < 0:
            survey.negative += int(np.count_nonzero((d < 0) | (s < 0)))
            d, s = np.maximum(d, 0), np.maximum(s, 0)
        has_d, has_s = d > 0, s > 0
        survey.used += int(np.count_nonzero(m & has_d & has_s))
        survey.masked_label += int(np.count_nonzero((has_d | has_s) & ~m))
        survey.unlabelled += int(np.count_nonzero(m & ~has_d & ~has_s))
        survey.one_label += int(np.count_nonzero(has_d != has_s))
        survey.dynamic_seen[d] = True
        survey.static_seen[s] = True
        both = has_d & has_s
        known = owner[s]
        fresh = both & (known == 0)
        owner[s[fresh]] = d[fresh]
        survey.split |= bool(((owner[s] != d) & both).any())
    return survey


def _mask_faults(arrays: QMapArrays, survey: _Survey) -> Iterator[Finding]:
    if not arrays.mask.any():
        yield Finding("error", "empty", "its mask is empty: no pixel is used", "Make a mask with True = used.")
    elif survey.used == 0:
        labelled = bool(survey.dynamic_seen[1:].any() or survey.static_seen[1:].any())
        message = "no pixel of its mask has a label" if labelled else "no pixel has a label"
        yield Finding("error", "empty", message, "Is the mask inverted (1 = bad)?" if labelled else "")
    if survey.masked_label and survey.used:
        yield Finding("error", "mask", f"{survey.masked_label} pixels have a label and are masked", _REMAKE)
    if survey.unlabelled:
        yield Finding("warning", "unlabelled", f"{survey.unlabelled} pixels of the mask are in no bin")
    if survey.one_label:
        yield Finding("error", "one_label", f"{survey.one_label} pixels are in a static or a dynamic bin only", _REMAKE)
    if survey.negative:
        yield Finding("error", "negative", f"{survey.negative} pixels have a negative label", _REMAKE)


_REMAKE = "Make the partition anew, from the same mask."


def _list_faults(arrays: QMapArrays, kind: str, seen: NDArray[np.bool_]) -> Iterator[Finding]:
    axes, index = getattr(arrays, f"{kind}_v_list"), getattr(arrays, f"{kind}_index_mapping")
    highest = len(seen) - 1
    if highest > len(index):
        text = f"{kind} labels go up to {highest} and only {len(index)} bins are listed"
        yield Finding("error", f"{kind}_unlisted", text, _REMAKE)
    absent = np.flatnonzero(~seen[1:]) + 1
    if len(absent):
        yield Finding("warning", f"{kind}_gaps", f"{len(absent)} {kind} labels have no pixel: {_some(absent)}")
    size = len(axes[0]) * len(axes[1])
    if len(index) and not (index.min() >= 0 and index.max() < size):
        text = f"{kind}_index_mapping points outside of its {len(axes[0])} x {len(axes[1])} bins"
        yield Finding("error", f"{kind}_index", text, _REMAKE)
    # numpy.unique would import numpy.ma, which every run would pay for
    if len(set(index.tolist())) != len(index):
        yield Finding("error", f"{kind}_index", f"two {kind} labels share a bin in {kind}_index_mapping", _REMAKE)
    for name, axis in zip(arrays.map_names, axes, strict=True):
        if not np.isfinite(axis).all():
            yield Finding(
                "error", f"{kind}_centers", f"{name} of {np.count_nonzero(~np.isfinite(axis))} {kind} bins is NaN"
            )
        if name == "q" and (axis < 0).any():
            yield Finding("error", f"{kind}_centers", f"q of {np.count_nonzero(axis < 0)} {kind} bins is negative")


def _consistency_faults(arrays: QMapArrays, survey: _Survey) -> Iterator[Finding]:
    if not survey.split:
        return
    static, dynamic = arrays.static_roi_map.ravel(), arrays.dynamic_roi_map.ravel()
    both = (static > 0) & (dynamic > 0)
    base = int(dynamic.max()) + 1
    pairs, counts = np.unique(static[both].astype(np.int64) * base + dynamic[both], return_counts=True)
    owner, member = np.divmod(pairs, base)
    bins, members = np.unique(owner, return_counts=True)
    split = bins[members > 1]
    said = []
    for label in split[:NAMED]:
        rows = np.flatnonzero(owner == label)
        parts = ", ".join(f"{member[row]} ({counts[row]} pixels)" for row in rows)
        said.append(f"static bin {label} in dynamic bins {parts}")
    more = f" and {len(split) - NAMED} more" if len(split) > NAMED else ""
    text = f"{len(split)} static bins lie in several dynamic bins: " + "; ".join(said) + more
    yield Finding("error", "split", text, _REMAKE)


def _some(numbers: NDArray[np.int64]) -> str:
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return ", ".join(str(number) for number in numbers[:NAMED]) + more
