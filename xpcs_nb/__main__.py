"""``python -m xpcs_nb`` is ``xpcs-nb``."""

from xpcs_nb.cli import main

if __name__ == "__main__":
    main()
