"""From sums and curves to numbers with errors: g2, fits, two-time cuts.

Names load on first use: g2 from sums needs no fitting package.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
