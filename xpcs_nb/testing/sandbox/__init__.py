"""A look-alike of the Globus services on loopback, for trying flows and for tests."""

from xpcs_nb.testing.sandbox._faults import Fault, Faults
from xpcs_nb.testing.sandbox._sandbox import Sandbox
from xpcs_nb.testing.sandbox._server import SeenRequest

__all__ = ["Fault", "Faults", "Sandbox", "SeenRequest"]
