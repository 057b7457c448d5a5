"""Compute functions of the batch flow: each takes the manifest that lies on the processing machine."""


def prepare_batch(manifest: str, common: dict[str, object], datasets: list[list[object]]) -> dict[str, object]:
    """Write the manifest of the batch on the processing machine."""
    from xpcs_nb.flows._batch import write_manifest

    return write_manifest(manifest, common, datasets)


def next_transfer(manifest: str, index: int) -> dict[str, object]:
    """Say which files to transfer next."""
    from xpcs_nb.flows._batch import transfer_from

    return transfer_from(manifest, index)


def correlate_batch(manifest: str, part: int, parts: int) -> dict[str, object]:
    """Correlate every dataset of a part of the batch; one that fails is noted, and the others go on."""
    from xpcs_nb.flows._batch import correlate_part

    return correlate_part(manifest, part, parts)


def plot_batch(manifest: str, part: int, parts: int) -> dict[str, object]:
    """Make plots and record of every result of a part of the batch."""
    from xpcs_nb.flows._batch import plot_part

    return plot_part(manifest, part, parts)


def publish_batch(manifest: str, index: int) -> dict[str, object]:
    """Say which results to publish next: as many as the state of a run can hold."""
    from xpcs_nb.flows._batch import publication_from

    return publication_from(manifest, index)


def summarise_batch(manifest: str) -> dict[str, object]:
    """Say how many datasets were processed, and which failed why."""
    from xpcs_nb.flows._batch import summary

    return summary(manifest)
