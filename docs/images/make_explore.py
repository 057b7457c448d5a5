"""Make the picture of the explorer's views: ``uv run python docs/images/make_explore.py``."""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

import xpcs_nb as xnb
from xpcs_nb import plots
from xpcs_nb.testing import simulate_measurement

HERE = Path(__file__).parent
mpl.use("agg")


def main() -> None:
    """Simulate a sample twice, and draw what the explorer shows of it."""
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        pair = {}
        for name, folder, seed in (("before", first, 1), ("after", second, 2)):
            made = simulate_measurement(folder, shape=(128, 128), n_frames=400, n_dynamic=6, n_static=18, seed=seed)
            pair[name] = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=folder, type="both")
        figure = Figure(figsize=(9.6, 6.4), layout="constrained")
        axes = figure.subplots(2, 3).ravel()
        plots.plot_saxs_2d(pair["before"], borders=True, ax=axes[0])
        plots.compare_g2(pair, bins=[3], layout="one", ax=axes[1])
        view = plots.twotime_view(pair["before"], 3)
        end = view.first + len(view.c2) * view.step
        axes[2].imshow(view.c2, origin="lower", extent=(0, end, 0, end), vmin=view.limits[0], vmax=view.limits[1])
        axes[2].set(xlabel="t₁ (s)", ylabel="t₂ (s)", title=view.title)
        plots.draw_panels([view.panel], ax=axes[3])
        plots.compare_saxs_1d(pair, ax=axes[4])
        plots.plot_g2_map(pair["before"], ax=axes[5])
        figure.savefig(Path(first) / "large.png", dpi=80)
        with Image.open(Path(first) / "large.png") as large:
            large.convert("RGB").quantize(96).save(HERE / "explore.png", optimize=True)


main()
