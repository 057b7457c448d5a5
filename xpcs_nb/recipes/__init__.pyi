from ._batch import Batch, batch_status, plan_batch, rerun
from ._crate import export_crate
from ._earlier import earlier_result
from ._open import open_batch
from ._outputs import Outputs, read_outputs, save
from ._plan import Plan, PlannedJob
from ._recipe import Parameter, Recipe, recipe_path
from ._replay import Replay, replay
from ._result_files import result_files
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
    "Replay",
    "batch_status",
    "earlier_result",
    "export_crate",
    "open_batch",
    "plan_batch",
    "read_outputs",
    "recipe_path",
    "replay",
    "rerun",
    "result_files",
    "run_recipe",
    "save",
]
