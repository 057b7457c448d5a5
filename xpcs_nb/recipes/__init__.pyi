from ._batch import Batch, batch_status, plan_batch, rerun
from ._earlier import earlier_result
from ._outputs import Outputs, read_outputs, save
from ._plan import Plan, PlannedJob
from ._recipe import Parameter, Recipe, recipe_path
from ._run import run_recipe
from ._state import JobState
from ._types import Dataset, InputFile, Options

__all__ = [
    "Batch",
    "Dataset",
    "InputFile",
    "JobState",
    "Options",
    "Outputs",
    "Parameter",
    "Plan",
    "PlannedJob",
    "Recipe",
    "batch_status",
    "earlier_result",
    "plan_batch",
    "read_outputs",
    "recipe_path",
    "rerun",
    "run_recipe",
    "save",
]
