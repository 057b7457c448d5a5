"""X-ray Photon Correlation Spectroscopy: from speckle movies to g2, two-time and SAXS.

Names load on first use: ``import xpcs_nb`` itself imports no numerical package. The list is `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
