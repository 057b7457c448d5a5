"""Make the pictures of the documentation: ``uv run python docs/images/make.py``."""

from pathlib import Path
from tempfile import TemporaryDirectory

import xpcs_nb as xnb
from xpcs_nb.testing import simulate_measurement

HERE = Path(__file__).parent

with TemporaryDirectory() as folder:
    made = simulate_measurement(folder, seed=1)
    tree = xnb.correlate(made.raw, made.qmap, metadata=made.metadata, output=folder)
    data = tree["multitau"].to_dataset()
    fit = data.xpcs.fit(model="single")
    data.xpcs.plot_g2(fit=fit, layout="overlay").savefig(HERE / "g2.png", dpi=150)
