"""Widgets for JupyterLab, Notebook and Voila: see, draw, judge, and start again. Needs the extra `lab`."""

from typing import Any

import lazy_loader

from xpcs_nb.core import require

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        require("anywidget", extra="lab")
    return _load(name)
