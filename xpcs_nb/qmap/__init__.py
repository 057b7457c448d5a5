"""Masks and partitions: made, edited, checked, and turned into the labels that a reduction works with.

Names load on first use: a reduction needs neither the edits nor what describes a qmap.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
