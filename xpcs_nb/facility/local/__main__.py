"""An engine as a process: ``python -m xpcs_nb.facility.local --home HOME``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from pathlib import Path

from xpcs_nb.facility.local._engine import Engine


def main() -> None:
    """Work on the runs of a home folder until there is nothing to do."""
    parser = argparse.ArgumentParser(prog="python -m xpcs_nb.facility.local", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the run store")
    parser.add_argument("--active", type=int, help="how many runs are worked on at once")
    parser.add_argument("--idle", type=float, default=120.0, help="seconds without work after which it ends")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    engine = Engine(options.home.absolute(), active=options.active, idle=options.idle)
    # A clean end puts runs back; they go on with the next engine.
    signal.signal(signal.SIGTERM, lambda *_: engine.close())
    # Its folder of start may be removed while it works.
    os.chdir(options.home)
    engine.run()


if __name__ == "__main__":
    main()
