"""Compute function: a reprocessed dataset is another one than what it came from."""


def rename_dataset(folder: str, name: str, new_folder: str, new_name: str) -> dict[str, object]:
    """Rename the dataset, so that it is published beside the one it came from."""
    from xpcs_nb.flows import _work

    return {"result": _work.rename_dataset(folder, name, new_folder, new_name)}
