"""Compute function: fit g2 and draw the result."""


def make_plots(result: str, output: str, kinds: list[str]) -> dict[str, object]:
    """Make the plots of a result that are of `kinds`: ``g2`` with its fits, ``saxs``, ``twotime``."""
    from xpcs_nb.flows._work import plot_dataset

    return plot_dataset(result, output, kinds)
