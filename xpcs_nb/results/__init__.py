"""Result files: names, writing, and reading as labelled arrays.

Names load on first use: writing a result needs no xarray.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
