"""The panels of the live view, from what a qmap does to the result."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from xpcs_nb.analysis import fitted_curve
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
    at = {str(name): data[name].to_numpy() for name in data.coords if data[name].dims == ("bin",) and name != "bin"}
    distinct = {name: values for name, values in at.items() if len(np.unique(values.round(9))) > 1}
    shown = distinct or dict(list(at.items())[:1])
    return {
        int(label): f"{label}: " + ", ".join(f"{name} {values[place]:.4g}" for name, values in shown.items())
        for place, label in enumerate(data["bin"].to_numpy())
    }


def panels_of(state: LiveState) -> list[dict[str, Any]]:
    """Return the panels: g2 of the shown bins, the scattering, and the pixels of each bin."""
    names = bin_names(state)
    curves = _Curves(state)
    panels = [curves.panel(number, names[label]) for number, label in enumerate(state.shown)]
    return [*panels, _scattering(state), _pixels(state)]


class _Curves:
    """The curves of the shown bins as plain arrays: selecting in xarray would take longer than all the rest."""

    def __init__(self, state: LiveState) -> None:
        labels = state.g2["bin"].to_numpy().tolist()
        places = [labels.index(label) for label in state.shown]
        self.delay = state.g2["delay"].to_numpy()
        self.g2, self.err = (state.g2[name].to_numpy()[:, places] for name in ("g2", "g2_err"))
        fit = state.fit
        self.used = fit["used"].to_numpy()
        self.fine = np.geomspace(self.delay[self.delay > 0].min(), self.delay.max(), FINE)
        self.fitted = fitted_curve(fit, self.fine).to_numpy()
        self.success, self.status = fit["success"].to_numpy(), fit["status"].to_numpy()
        self.chi2 = fit["chi2"].to_numpy() / np.maximum(fit["dof"].to_numpy(), 1)
        name = next(each for each in ("rate", "rate_fast") if each in fit)
        self.rate, self.rate_err = fit[name].to_numpy(), fit[f"{name}_err"].to_numpy()
        self.old = _before(state)

    def panel(self, number: int, title: str) -> dict[str, Any]:
        """Return the panel of one of the shown bins."""
        used, g2, err = self.used[:, number], self.g2[:, number], self.err[:, number]
        drawn = [self.old[number]] if self.old[number] is not None else []
        drawn.append(series(self.delay[used], g2[used], err[used], colour=NEW))
        drawn.append(series(self.delay[~used], g2[~used], colour=OUT, open=True))
        note, tone = f"no fit: {str(self.status[number]).split(':')[0]}", "poor"
        if self.success[number]:
            drawn.append(series(self.fine, self.fitted[:, number], colour=FIT, line=True))
            rate = f"Γ = {self.rate[number]:.3g} ± {self.rate_err[number]:.1g} 1/s"
            note, tone = f"{rate}, χ²/ν = {self.chi2[number]:.2g}", "good"
        limits = (float(np.min((g2 - err)[used])), float(np.max((g2 + err)[used]))) if used.any() else None
        return {
            "title": title,
            "note": note,
            "tone": tone,
            "x": axis("delay (s)", log=True),
            "y": axis("g₂", limits=limits),
            "series": drawn,
        }


def _before(state: LiveState) -> list[dict[str, Any] | None]:
    """Return the old curve of each shown bin; None where it has none."""
    if state.before is None:
        return [None] * len(state.shown)
    partner = {int(label): place for place, label in enumerate(state.before["new_bin"].to_numpy())}
    delay = state.before["delay"].to_numpy()
    g2, err = (state.before[name].to_numpy() for name in ("g2_old", "err_old"))
    return [
        series(delay, g2[:, partner[label]], err[:, partner[label]], colour=OLD, radius=1.8)
        if label in partner
        else None
        for label in state.shown
    ]


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
