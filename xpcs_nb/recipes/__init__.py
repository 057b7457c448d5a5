"""Recipes: parameterised notebooks that process one dataset; batches of them; what they made, and how.

Names load on first use: a recipe that only notes what it made needs no papermill.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
