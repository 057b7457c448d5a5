"""The flows around a reduction: definitions, what goes into them, sites; submit, watch, retry."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
