"""Widgets for JupyterLab, Notebook and Voila: see, draw, judge, and start again. Needs the extra `lab`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
