from ._earlier import earlier_result
from ._outputs import Outputs, read_outputs, save
from ._recipe import Parameter, Recipe, recipe_path
from ._run import run_recipe
from ._types import Dataset, InputFile, Options

__all__ = [
    "Dataset",
    "InputFile",
    "Options",
    "Outputs",
    "Parameter",
    "Recipe",
    "earlier_result",
    "read_outputs",
    "recipe_path",
    "run_recipe",
    "save",
]
