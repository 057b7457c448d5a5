"""Judge a result: all checks of the trust report."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from xpcs_nb.analysis import _trust_beam, _trust_bins, _trust_curves, _trust_time
from xpcs_nb.analysis._trust_evidence import Evidence
from xpcs_nb.analysis._trust_report import TRUST_VERSION, Check, TrustReport
from xpcs_nb.analysis._trust_rules import Unknown, rule
from xpcs_nb.errors import CorruptDataError

if TYPE_CHECKING:
    import xarray as xr

    from xpcs_nb.core import PixelLabels

__all__ = ["judge", "preview_trust", "trust_report"]

#: In the order of the report: partition, pixels, photons and beam, time, curves.
CHECKS: tuple[Callable[[Evidence], Check], ...] = (
    _trust_bins.partition,
    _trust_bins.empty_bins,
    _trust_bins.few_pixels,
    _trust_bins.q_spread,
    _trust_bins.dead_pixels,
    _trust_bins.hot_pixels,
    _trust_bins.gradient,
    _trust_beam.counts,
    _trust_beam.frame_normalisation,
    _trust_beam.beam,
    _trust_beam.lost_frames,
    _trust_beam.intensity_drift,
    _trust_time.dose,
    _trust_time.stationarity,
    _trust_curves.few_pairs,
    _trust_curves.time_window,
    _trust_curves.baseline,
    _trust_curves.contrast,
    _trust_curves.first_delay,
    _trust_curves.signal,
    _trust_curves.errors,
)
#: Those that a changed partition may change, and that need no more than g2 and the partition.
OF_PARTITION = (
    _trust_bins.partition,
    _trust_bins.empty_bins,
    _trust_bins.few_pixels,
    _trust_bins.q_spread,
    _trust_curves.baseline,
    _trust_curves.contrast,
    _trust_curves.signal,
)


def judge(evidence: Evidence, checks: tuple[Callable[[Evidence], Check], ...] = CHECKS) -> TrustReport:
    """Make all checks of what a result shows; one that can't be made is ``unknown`` and says why."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        made = tuple(_made(check, evidence) for check in checks)
    return TrustReport(made, tuple(np.asarray(evidence.bins).astype(int).tolist()))


def _made(check: Callable[[Evidence], Check], evidence: Evidence) -> Check:
    try:
        return check(evidence)
    except Unknown as reason:
        return rule(check.__name__).unknown(str(reason))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # a result of hours is not lost for a check that stumbles over it; the report says so
        return rule(check.__name__).unknown(f"this check failed: {type(error).__name__}: {error}")


def trust_report(data: xr.Dataset | xr.DataTree, *, anew: bool = False) -> TrustReport:
    """Tell what in a result can be trusted, from what it holds.

    A result of this package carries its report, which is returned; for others it is made of what they hold. Checks
    that lack something are ``unknown`` and say what.

    Parameters
    ----------
    data
        A result, or one of its nodes (then the whole result is looked at); a multi-tau dataset alone has few checks.
    anew
        Make the report even where the result carries one.

    Returns
    -------
    TrustReport
        Checks with numbers, thresholds, meaning and remedy; docs/explanation/trust gives the reasons.

    Raises
    ------
    OptionError
        If `data` has neither g2 nor two-time maps, or its I(q) does not fit its map of static bins.
    CorruptDataError
        If an array of the file, or its report, can't be read.
    """
    from xpcs_nb.analysis._trust_result import evidence_of, stored_report

    stored = None if anew else stored_report(data)
    if stored is not None:
        try:
            report = TrustReport.from_dict(json.loads(stored))
        except json.JSONDecodeError as error:
            raise CorruptDataError(
                "the trust report of the result can't be read", got=str(error), hint="Make it anew with anew=True."
            ) from error
        if report.version == TRUST_VERSION:
            return report
    return judge(evidence_of(data))


def preview_trust(g2: xr.Dataset, labels: PixelLabels, *, counts: Any = None, q: Any = None) -> TrustReport:
    """Judge a partition by the g2 that it gives, while it is edited: a few ms.

    Parameters
    ----------
    g2
        What `G2Preview.g2` returns, or a multi-tau dataset: g2, g2_err (delay, bin).
    labels
        Of the partition, as `xpcs_nb.qmap.pixel_labels` makes them.
    counts
        Mean counts a frame of every pixel, shape (rows, columns), if at hand: then photons count too.

    q
        Of the static bins, 1/angstrom, shape (S,): ``qmap.arrays.bin_centers("static")[0]``.

    Returns
    -------
    TrustReport
        The checks ``partition``, ``empty_bins``, ``few_pixels``, ``q_spread``, ``baseline``, ``contrast``, ``signal``.
    """
    from xpcs_nb.analysis._trust_result import evidence_of_preview

    return judge(evidence_of_preview(g2, labels, counts, q), OF_PARTITION)
