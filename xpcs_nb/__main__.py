"""``python -m xpcs_nb`` is ``xpcs-nb``."""
