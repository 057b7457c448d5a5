"""The sheet of g2 that goes with every result shows what the grid of plot_g2 shows."""

from __future__ import annotations

import numpy as np
import pytest

from xpcs_nb.analysis import fit_g2, usable_delays
from xpcs_nb.errors import OptionError
from xpcs_nb.plots._g2_drawing import _quantile
from xpcs_nb.plots._g2_sheet import MIDDLE, NUMBER, g2_sheet
from xpcs_nb.plots._render import render_png
from xpcs_nb.plots._writing import Words, Writing


def marks(figure, kind: str) -> np.ndarray:
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == f"_{kind}"]
    return np.column_stack(line.get_data())


def written(figure) -> list[Words]:
    (writing,) = [each for each in figure.artists if isinstance(each, Writing)]
    return writing.texts


def words(figure) -> list[str]:
    return [each.text for each in written(figure)]


def test_every_usable_point_is_drawn_once_and_others_are_open(result):
    used = usable_delays(result["multitau"].to_dataset())
    figure = g2_sheet(result)
    assert len(marks(figure, "o")) + len(marks(figure, "^")) + len(marks(figure, "v")) >= int(used.sum())
    assert len(marks(figure, "o")) <= int(used.sum())
    # The fixture has one point far above in each bin.
    assert len(marks(figure, "^")) == 9


def test_points_of_a_panel_stand_where_its_scale_says(result):
    one = result["multitau"].to_dataset().isel(bin=[0])
    figure = g2_sheet(one)
    # Numbers stand with their middle at their place.
    half = MIDDLE * NUMBER
    scale = {float(each.text): each.y + half for each in written(figure) if each.ha == "right"}
    assert len(scale) >= 2
    at = np.interp(one.g2[usable_delays(one)[:, 0].to_numpy(), 0], *zip(*sorted(scale.items()), strict=True))
    drawn = marks(figure, "o")[:, 1]
    within = (drawn > min(scale.values())) & (drawn < max(scale.values()))
    np.testing.assert_allclose(drawn[within], at[within], atol=1e-6)


def test_the_range_is_that_of_the_trusted_points_of_each_bin():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(17, 5))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 1] = np.nan
    values[1:, 2] = np.nan
    there = [0, 2, 3, 4]
    for share in (0.01, 0.5, 0.99):
        found = _quantile(values, share)
        np.testing.assert_allclose(found[there], np.nanquantile(values[:, there], share, axis=0), rtol=1e-12)
        assert np.isnan(found[1])


def test_panels_are_titled_and_say_what_the_fit_found(result):
    fit = fit_g2(result, fixed={"baseline": 1.0})
    said = words(g2_sheet(result, fit=fit))
    assert sum(text.startswith("q = ") for text in said) == 9
    assert sum("Γ = " in text and "χ²" in text for text in said) == int(fit["success"].sum())
    failed = words(g2_sheet(result, fit=fit_g2(result, delay_range=(0, 0.02))))
    assert sum("no fit: too few points" in text for text in failed) == 9


def test_bins_without_data_say_so(result):
    dataset = result["multitau"].to_dataset().copy(deep=True)
    dataset.g2[:, 0] = np.nan
    assert words(g2_sheet(dataset)).count("no usable points") == 1


def test_many_bins_come_in_pages(result_of):
    assert any("page 2 of 2" in text for text in words(g2_sheet(result_of(40), page=2)))
    with pytest.raises(OptionError, match=r"1\.\.2"):
        g2_sheet(result_of(40), page=3)


def test_rendering_leaves_the_figure_as_it_was(result):
    from xpcs_nb.plots import plot_saxs_1d

    figure = plot_saxs_1d(result)
    layout, dpi = figure.get_layout_engine(), figure.dpi
    assert render_png(figure, 80).startswith(b"\x89PNG")
    assert figure.get_layout_engine() is layout
    assert figure.dpi == dpi
