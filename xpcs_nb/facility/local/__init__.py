"""The local facility, this machine: flow runs, worker processes, verified copies, and the embedded catalogue.

Names load on first use: a worker starts with only what it needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
