"""Standards of absolute intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from xpcs_nb.errors import OptionError

__all__ = ["Standard", "standard_of"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Standard:
    """q (1/angstrom, rising), intensity (1/cm), its error at each point, and the relative error common to all."""

    name: str
    q: Floats
    intensity: Floats
    error: Floats
    scale_err: float = 0.0


#: NIST SRM 3600, glassy carbon: q (1/angstrom) and differential cross section (1/cm) as certified, Table 1 of the
#: certificate of analysis (2016); Allen et al. 2017, J. Appl. Cryst. 50, 462. Its combined standard uncertainty is
#: the same 2.58 % at every q.
SRM3600 = """
0.00827568 34.933380 0.00888450 34.427156 0.00954735 34.042170 0.01026900 33.698553 0.01105780 33.352529
0.01191830 33.027533 0.01286110 32.665045 0.01389340 32.306665 0.01502510 31.970485 0.01626850 31.559099
0.01763650 31.183763 0.01914320 30.861805 0.02080510 30.514300 0.02264220 30.084982 0.02467500 29.690414
0.02692890 29.249965 0.02943170 28.889970 0.03221560 28.449341 0.03531810 28.065980 0.03878270 27.704965
0.04265880 27.331304 0.04700390 26.974065 0.05188580 26.676952 0.05738140 26.401158 0.06358290 26.177427
0.07059620 25.904683 0.07854840 25.528734 0.08758630 24.917743 0.09788540 23.946472 0.10965500 22.472101
0.11431200 21.777228 0.11839500 21.112938 0.12262400 20.401110 0.12314200 20.287060 0.12700400 19.685107
0.13154000 18.909809 0.13623900 18.089242 0.13864300 17.679572 0.14110500 17.264117 0.14614500 16.372848
0.15136500 15.458350 0.15651300 14.587700 0.15677100 14.563071 0.16237100 13.616671 0.16817000 12.668549
0.17417700 11.752287 0.17718100 11.311460 0.18039800 10.862157 0.18684100 9.961979 0.19351500 9.116906
0.20042700 8.325578 0.20116500 8.224897 0.20758600 7.541931 0.21500000 6.854391 0.22267900 6.216070
0.22909500 5.715911 0.23063300 5.582366 0.23887100 4.999113 0.24740200 4.463604
"""
SRM3600_SCALE_ERR = 0.025795


def standard_of(standard: str | xr.Dataset | tuple[ArrayLike, ...]) -> Standard:
    """Return a standard by name, or a table of one's own.

    Raises
    ------
    OptionError
        If there is none of that name, or the table can't be used.
    """
    if isinstance(standard, str):
        if standard.replace(" ", "").upper() not in {"SRM3600", "NISTSRM3600"}:
            raise OptionError("no such standard", got=repr(standard), expected="'SRM3600', or a table of your own")
        table = np.array(SRM3600.split(), dtype=np.float64).reshape(-1, 2)
        return Standard("NIST SRM 3600", table[:, 0], table[:, 1], np.zeros(len(table)), SRM3600_SCALE_ERR)
    if isinstance(standard, xr.Dataset):
        if not {"q", "intensity", "intensity_err"} <= set(standard.variables):
            raise OptionError("this is no table of a standard", got=", ".join(map(str, standard.variables)))
        columns: tuple[ArrayLike, ...] = tuple(standard[name] for name in ("q", "intensity", "intensity_err"))
        common = float(standard.get("scale_err", 0.0))
    else:
        columns, common = standard, 0.0
    if len(columns) not in {2, 3}:
        raise OptionError("a table of a standard has q, intensity and error", got=f"{len(columns)} columns")
    q, intensity = (np.asarray(column, dtype=np.float64) for column in columns[:2])
    error = np.asarray(columns[2], dtype=np.float64) if len(columns) == 3 else np.zeros_like(q)
    usable = q.ndim == 1 and len(q) > 1 and q.shape == intensity.shape == error.shape
    if not usable or not (np.isfinite([q, intensity, error]).all() and (np.diff(q) > 0).all() and (error >= 0).all()):
        raise OptionError("the table of the standard can't be used", expected="finite numbers, q rising, errors >= 0")
    return Standard("own table", q, intensity, error, common)
