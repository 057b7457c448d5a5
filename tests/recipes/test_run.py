"""Recipes are notebooks with parameters; a failing cell is an error that says which."""

import nbformat
import pytest

from xpcs_nb.errors import MissingFileError, StepError
from xpcs_nb.recipes import recipe_path, run_recipe

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(papermill|nbclient|jupyter_client|zmq).*")


KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("print(10 // x)")]
    cells[0].metadata["tags"] = ["parameters"]
    path = tmp_path / "recipe.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), path)
    return path


def test_parameters_reach_the_notebook(notebook, tmp_path):
    done = nbformat.read(run_recipe(str(notebook), tmp_path / "out" / "done.ipynb", {"x": 5}), as_version=4)
    assert done.cells[-1].outputs[0].text == "2\n"


def test_a_failing_cell_is_named_and_the_notebook_is_kept(notebook, tmp_path):
    with pytest.raises(StepError, match="ZeroDivisionError"):
        run_recipe(str(notebook), tmp_path / "failed.ipynb", {"x": 0})
    assert (tmp_path / "failed.ipynb").is_file()


def test_an_unknown_recipe_lists_those_there_are():
    with pytest.raises(MissingFileError, match="01_quickstart"):
        recipe_path("nothing_of_the_kind")
