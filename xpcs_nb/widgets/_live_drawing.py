"""The panels of the live view, from what a qmap does to the result."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from xpcs_nb.analysis import fitted_curve, usable_delays
from xpcs_nb.widgets._curves_view import axis, series
from xpcs_nb.widgets._live_g2 import LiveState

if TYPE_CHECKING:
    from xpcs_nb.analysis import TrustReport

__all__ = ["LEGEND", "bin_names", "panels_of", "trust_text"]

OLD, NEW, FIT, OUT = "#8a8a8a", "#1f5fa8", "#c1272d", "#c9c9c9"
LEGEND = (("before", OLD), ("now", NEW), ("fit", FIT))
#: Points of a fitted curve.
FINE = 60
COLOURS = {"note": "#546e7a", "warning": "#b26a00", "bad": "#c62828"}


def bin_names(state: LiveState) -> dict[int, str]:
    """Return what each dynamic bin is called."""
    data = state.g2
    names = [name for name in data.coords if data[name].dims == ("bin",) and name != "bin"]
    names = [name for name in names if len(np.unique(data[name].to_numpy().round(9))) > 1] or names[:1]
    texts = []
    for place in range(data.sizes["bin"]):
        parts = [f"{name} {float(data[name].to_numpy()[place]):.4g}" for name in names]
        texts.append(", ".join(parts))
    return {int(label): f"{label}: {text}" for label, text in zip(data["bin"].to_numpy(), texts, strict=True)}


def panels_of(state: LiveState) -> list[dict[str, Any]]:
    """Return the panels: g2 of the shown bins, the scattering, and the pixels of each bin."""
    names = bin_names(state)
    used = usable_delays(state.g2).to_numpy()
    labels = state.g2["bin"].to_numpy().tolist()
    panels = [_curve(state, label, names[label], used[:, labels.index(label)]) for label in state.shown]
    return [*panels, _scattering(state), _pixels(state)]


def _curve(state: LiveState, label: int, name: str, used: Any) -> dict[str, Any]:
    one = state.g2.sel(bin=label)
    delay, g2, err = (one[each].to_numpy().astype(float) for each in ("delay", "g2", "g2_err"))
    drawn = [] if state.before is None else _before(state, label)
    drawn += [
        series(delay[used], g2[used], err[used], colour=NEW),
        series(delay[~used], g2[~used], colour=OUT, open=True),
    ]
    fit = state.fit.sel(bin=[label])
    note, tone = str(fit["status"].item()).split(":")[0], "poor"
    if bool(fit["success"].item()):
        fine = np.geomspace(delay[delay > 0].min(), delay.max(), FINE)
        drawn.append(series(fine, fitted_curve(fit, fine).to_numpy()[:, 0], colour=FIT, line=True))
        chi2 = float(fit["chi2"].item() / fit["dof"].item())
        note, tone = f"Γ = {_rate(fit)} 1/s, χ²/ν = {chi2:.2g}", "good"
    limits = None
    if used.any():
        limits = float(np.min((g2 - err)[used])), float(np.max((g2 + err)[used]))
    return {
        "title": name,
        "note": note if tone == "good" else f"no fit: {note}",
        "tone": tone,
        "x": axis("delay (s)", log=True),
        "y": axis("g₂", limits=limits),
        "series": drawn,
    }


def _before(state: LiveState, label: int) -> list[dict[str, Any]]:
    assert state.before is not None  # noqa: S101 - asked before
    there = np.flatnonzero(state.before["new_bin"].to_numpy() == label)
    if len(there) == 0:
        return []
    old = state.before.isel(pair=int(there[0]))
    return [series(old["delay"], old["g2_old"], old["err_old"], colour=OLD, radius=1.8)]


def _rate(fit: Any) -> str:
    """Write the rate (the fast one, where there are two) with its error."""
    name = next(each for each in ("rate", "rate_fast") if each in fit)
    return f"{float(fit[name].item()):.3g} ± {float(fit[name + '_err'].item()):.1g}"


def _scattering(state: LiveState) -> dict[str, Any]:
    name = state.qmap.arrays.map_names[0]
    unit = state.qmap.arrays.map_units[0]
    return {
        "title": f"I({name})",
        "note": f"{len(state.q)} values from static bins",
        "x": axis(f"{name} ({unit})", log=name == "q"),
        "y": axis("counts / pixel / frame", log=True),
        "series": [series(state.q, state.intensity, colour=NEW, line=True)],
    }


def _pixels(state: LiveState) -> dict[str, Any]:
    counts = state.g2["n_pixels"].to_numpy()
    missing = int(state.g2["n_missing"].sum())
    note = f"{int(counts.sum())} in all, fewest {int(counts.min())}"
    return {
        "title": "pixels per bin",
        "note": note + (f"; of {missing} more nothing is kept" if missing else ""),
        "tone": "poor" if missing or counts.min() == 0 else "plain",
        "x": axis("dynamic bin"),
        "y": axis("pixels", log=bool(counts.min() > 0)),
        "series": [series(state.g2["bin"], counts, colour=NEW)],
    }


def trust_text(report: TrustReport) -> str:
    """Return what the trust report warns of, as HTML."""
    told = [check for check in report.checks if check.verdict in COLOURS]
    lines = [
        f'<li style="color:{COLOURS[check.verdict]}"><b>{escape(check.verdict)}: {escape(check.title)}.</b> '
        f"{escape(check.message)} {escape(check.remedy)}</li>"
        for check in told
    ]
    head = f"<b>{escape(report.badge)}</b>"
    return f'{head}<ul style="margin:2px 0 0 16px;padding:0">{"".join(lines)}</ul>' if lines else head
