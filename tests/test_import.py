"""Importing the package is quick, because it imports no heavy package."""

import subprocess
import sys

HEAVY = ("torch", "numba", "gladier", "globus_sdk", "ipywidgets", "matplotlib", "papermill", "lmfit", "scipy", "xarray")


def test_import_of_the_package_loads_no_heavy_package():
    code = f"import sys, xpcs_nb; print([name for name in {HEAVY!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_every_public_name_loads():
    code = "import xpcs_nb; [getattr(xpcs_nb, name) for name in xpcs_nb.__all__]; print(len(xpcs_nb.__all__))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(out) > 5


def test_command_line_help_does_not_load_the_numerical_packages():
    code = (
        "import sys; from typer.testing import CliRunner; from xpcs_nb.cli import make_app; "
        "r = CliRunner().invoke(make_app(), ['correlate', '--help']); "
        f"assert r.exit_code == 0, r.output; print([n for n in {HEAVY!r} if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_without_its_packages_the_editor_names_the_extra_that_brings_them():
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import xpcs_nb\n"
        "try: xpcs_nb.QMapEditor\n"
        "except xpcs_nb.XpcsError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "xpcs-nb[lab]" in out
