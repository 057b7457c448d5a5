"""Fits of g2 in the explorer: their options, what they found, and the rates against q."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, get_args

import ipywidgets as w
import numpy as np
import xarray as xr

from xpcs_nb.analysis import MODELS, ModelName, fit_dispersion
from xpcs_nb.errors import FitError, OptionError
from xpcs_nb.plots import Curve, Panel, colours_of
from xpcs_nb.widgets._curve_view import CurveView
from xpcs_nb.widgets._explore_controls import choice, parse_pairs, parse_range, text, toggle, watch

if TYPE_CHECKING:
    from xpcs_nb.widgets._explore import Explorer

__all__ = ["FitTab"]


class FitTab:
    """Fit g2 of all bins of the results that are shown."""

    depends_on_bin = False
    name = "fit"

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.model = choice("model", list(get_args(ModelName)), "single", "Model of g2", "180px")
        self.delays = text("delays (s)", "from, to", "Delays that are fitted, s; empty: all that can be used")
        tip = "Parameters to hold (name=value) or to bound (name=low..high)"
        self.parameters = text("parameters", "baseline=1, exponent=0.5..2", tip, "300px")
        self.run = w.Button(description="fit", button_style="primary", layout=w.Layout(width="80px"))
        self.clear = w.Button(description="remove fits", layout=w.Layout(width="100px"))
        self.logs = toggle("log-log", True, "Logarithmic axes of rate against q")
        self.run.on_click(lambda _: self._fit())
        self.clear.on_click(lambda _: self._remove())
        watch(self.logs, lambda _: explorer.redraw(self))
        self.curves = CurveView(height=330, label="rate in 1/s against q in 1/angstrom")
        self.table = w.HTML()
        bar = w.HBox(
            [self.model, self.delays, self.parameters, self.run, self.clear, self.logs],
            layout=w.Layout(flex_flow="row wrap"),
        )
        self.root = w.VBox([bar, w.HBox([w.VBox([self.curves], layout=w.Layout(width="48%")), self.table])])

    def _fit(self) -> None:
        def work() -> None:
            named = parse_pairs(self.parameters.value)
            fixed = {name: values[0] for name, values in named.items() if len(values) == 1}
            bounds = {name: (values[0], values[1]) for name, values in named.items() if len(values) == 2}
            options: dict[str, Any] = {"model": self.model.value, "fixed": fixed, "bounds": bounds}
            self.explorer.model.fit(**options, delay_range=parse_range(self.delays.value))

        if self.explorer.guarded(work):
            self._drawn()

    def _remove(self) -> None:
        self.explorer.model.fits = {}
        self._drawn()

    def _drawn(self) -> None:
        self.explorer.redraw(self)
        self.explorer.redraw(self.explorer.g2)

    def draw(self) -> None:
        """Show what the model has now."""
        fits = self.explorer.model.fits
        self.curves.set_panels([_rates(fits, "xy" if self.logs.value else "")] if fits else [])
        tables = [_table(name, fit) for name, fit in fits.items()]
        hint = "" if tables else "<p>No fit yet: choose a model and press fit. All bins are fitted at once.</p>"
        self.table.value = f'<div style="max-height:340px;overflow:auto">{"".join(tables)}{hint}</div>'

    def empty(self) -> None:
        """Show nothing."""
        self.curves.set_panels([])
        self.table.value = ""


def _rates(fits: dict[str, xr.Dataset], log: str) -> Panel:
    """Return the rates against q, with the power law where one can be fitted."""
    curves: list[Curve] = []
    notes = []
    for (name, fit), colour in zip(fits.items(), colours_of(len(fits)), strict=True):
        if "q" not in fit.coords:
            raise OptionError("the bins have no q to draw rates against", got=name)
        good = fit["success"].to_numpy() & np.isfinite(fit["q"].to_numpy().astype(float))
        q = fit["q"].to_numpy().astype(float)[good]
        rate, err = (fit[each].to_numpy().astype(float)[good] for each in ("rate", "rate_err"))
        curves.append(Curve(q, rate, err, name, colour, "points"))
        try:
            law = fit_dispersion(fit)
        except (FitError, OptionError) as error:
            notes.append(f"{name}: no power law ({error.problem})")
            continue
        line = np.geomspace(q.min(), q.max(), 60)
        curves.append(Curve(line, np.asarray(law.rate(line), dtype=float), None, "", colour))
        notes.append(f"{name}: D = {law.D:.4g} ± {law.D_err:.2g} Å^{law.exponent:.3g}/s, n = {law.exponent:.3g}")
    return Panel(tuple(curves), "q (Å⁻¹)", "rate Γ (s⁻¹)", "Γ = D qⁿ", "; ".join(notes), log)


def _table(name: str, fit: xr.Dataset) -> str:
    """Return the parameters of all bins; of one whose fit failed the reason."""
    names = MODELS[fit.attrs["model"]].names
    head = "".join(f"<th>{escape(each)}{' (s⁻¹)' if each.startswith('rate') else ''}</th>" for each in names)
    rows = []
    for index, label in enumerate(fit["bin"].to_numpy().tolist()):
        one = fit.isel(bin=index)
        if bool(one["success"]):
            pairs = ((float(one[each]), float(one[f"{each}_err"])) for each in names)
            cells = "".join(f"<td>{value:.4g} ± {err:.2g}</td>" for value, err in pairs)
            cells += f"<td>{float(one['chi2'] / one['dof']):.3g}</td>"
        else:
            cells = f'<td colspan="{len(names) + 1}" style="color:#c62828">{escape(str(one["status"].item()))}</td>'
        rows.append(f"<tr><td>{label}</td>{cells}</tr>")
    caption = f"<b>{escape(name)}</b>: {escape(fit.attrs['formula'])}, errors {escape(str(fit.attrs['errors']))}"
    return f"<p>{caption}</p><table><tr><th>bin</th>{head}<th>χ²/ν</th></tr>{''.join(rows)}</table>"
