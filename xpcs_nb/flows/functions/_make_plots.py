"""Compute function: fit g2 and draw the result."""


def make_plots(result: str, output: str) -> dict[str, object]:
    """Fit g2 and make the plots of a result."""
    from xpcs_nb.flows._work import plot_dataset

    return plot_dataset(result, output)
