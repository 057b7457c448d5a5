"""A recipe that is quick, and does on request what goes wrong in batches."""

import nbformat
import pytest

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
CELLS = [
    "import os, time\nfrom pathlib import Path\nfrom xpcs_nb.recipes import Dataset, InputFile, Options, save",
    'dataset: Dataset = ""  # A file with a number\n'
    "factor: float = 2.0  # The number is multiplied by it\n"
    'how: str = "well"  # What happens\n'
    "gpu_id: int = -1  # A device\n"
    "options: Options = {}  # Of a reduction\n"
    'extra: InputFile = ""  # Another file',
    'print("begun")\n'
    "number = float(Path(dataset).read_text())\n"
    'if how == "fails":\n    raise ValueError("this is wrong")\n'
    'if how == "dies":\n    os.kill(os.getpid(), 9)\n'
    'if how == "fills":\n    Path("/dev/full").write_text("x" * 100_000)\n'
    'if how == "memory":\n    bytearray(1 << 60)\n'
    'if how.startswith("sleeps"):\n    time.sleep(float(how.split()[1]))',
    "save(\n"
    "    D=number * factor,\n"
    "    D_err=0.5,\n"
    '    gpu=os.environ.get("CUDA_VISIBLE_DEVICES"),\n'
    "    gpu_id=gpu_id,\n"
    '    of_flows=[os.environ.get("XPCS_NB_GPUS"), options.get("gpu_id")],\n'
    ")",
]


def write_recipe(path, cells, parameters=1):
    made = [nbformat.v4.new_code_cell(cell, id=f"c{number}") for number, cell in enumerate(cells)]
    if parameters is not None:
        made[parameters].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=KERNEL), path)
    return path


@pytest.fixture(scope="session", autouse=True)
def quick_kernels():
    """Let workers import only what the quick recipe needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPCS_NB_PRELOAD", "xpcs_nb.recipes._outputs,numpy")
        yield


@pytest.fixture(scope="session")
def make_recipe():
    return write_recipe


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe") / "quick.ipynb", CELLS)


@pytest.fixture
def numbers(tmp_path):
    """Return a function that makes files with the numbers 0 to n - 1."""

    def make(n):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        paths = [folder / f"d{number:03d}.txt" for number in range(n)]
        for number, path in enumerate(paths):
            path.write_text(str(number))
        return paths

    return make
