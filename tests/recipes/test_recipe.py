"""A recipe says what it takes: names, types, defaults, and what each is."""

import json

import nbformat
import pytest

from xpcs_nb.errors import FileFormatError
from xpcs_nb.recipes import Recipe


@pytest.fixture
def write(tmp_path):
    def write(parameters, *cells):
        made = [nbformat.v4.new_code_cell(parameters), *map(nbformat.v4.new_code_cell, cells)]
        made[0].metadata["tags"] = ["parameters"]
        path = tmp_path / "recipe.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=made), path)
        return path

    return write


def test_types_defaults_and_descriptions_are_read(write):
    path = write(
        'raw: Dataset = ""  # What to process\n'
        "q_max: float | None = None  # 1/angstrom\n"
        'model: Literal["single", "double"] = "single"\n'
        "repeats: int\n"
        "name = 'x'  # without a type"
    )
    parameters = Recipe.load(path).parameters
    assert [(each.said, each.default, each.help) for each in parameters.values()] == [
        ("Dataset", "", "What to process"),
        ("float | None", None, "1/angstrom"),
        ("Literal['single', 'double']", "single", ""),
        ("int", parameters["repeats"].default, ""),
        ("str", "x", "without a type"),
    ]
    assert repr(parameters["repeats"].default) == "(required)"
    assert parameters["raw"].meaning == "dataset"
    assert Recipe.load(path).dataset_parameter.name == "raw"


def test_our_recipes_describe_every_parameter():
    for name in ("01_quickstart", "reprocess"):
        assert all(each.help for each in Recipe.load(name).parameters.values())


def test_a_notebook_without_a_cell_of_parameters_is_no_recipe(tmp_path):
    path = tmp_path / "plain.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]), path)
    with pytest.raises(FileFormatError, match="no cell of parameters"):
        Recipe.load(path)


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 3}', "x: Unknown = 1", "x: int = f()", "x ="])
def test_what_can_not_be_read_is_said(tmp_path, write, content):
    path = tmp_path / "odd.ipynb"
    if content.startswith("x"):
        path = write(content)
    else:
        path.write_text(content)
    with pytest.raises(FileFormatError):
        Recipe.load(path)


def test_checksum_is_that_of_the_cells_alone(write):
    path = write("x: int = 1", "print(x)")
    first = Recipe.load(path).checksum
    document = json.loads(path.read_text())
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    path.write_text(json.dumps(document))
    assert Recipe.load(path).checksum == first
    assert Recipe.load(write("x: int = 1", "print(x + 1)")).checksum != first
