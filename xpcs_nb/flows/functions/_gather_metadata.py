"""Compute function: the complete record of a result."""


def gather_metadata(
    folder: str, given: dict[str, object], files: list[str], record: str, publishv2: dict[str, object]
) -> dict[str, object]:
    """Gather what was measured and what was found; the answer is the input of the publication."""
    from xpcs_nb.flows._describe import dc_block
    from xpcs_nb.flows._work import gather_dataset

    fields = gather_dataset(folder, given, files, record)
    return {**publishv2, "dataset": folder, "metadata_file": record, "metadata": {"dc": dc_block(fields)}}
