"""The portal as a web page: Voila on the notebook beside this file, for one person on one machine."""

from __future__ import annotations

import os
import secrets
import socket
import webbrowser
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xpcs_nb.core import require
from xpcs_nb.errors import FacilityError, XpcsError

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["portal_page", "serve_portal"]

FOLDER = Path(__file__).parent / "portal"
#: How the page's kernel knows what to show.
SITE, HOME, SETTINGS = "XPCS_NB_PORTAL_SITE", "XPCS_NB_PORTAL_HOME", "XPCS_NB_PORTAL_SETTINGS"
LOOPBACK = "127.0.0.1"
PORTS = 50


def serve_portal(
    site: str | None = None,
    *,
    home: Path | None = None,
    settings: Path | None = None,
    port: int = 8866,
    ip: str = LOOPBACK,
    token: str | None = None,
    open_browser: bool = True,
    say: Callable[[str], None],
) -> None:
    """Serve the portal until Ctrl-C, or SIGTERM.

    Every visit has a kernel of its own, which works as the person who started the portal, also past a Globus login:
    whoever has the token sees and does what this person may.

    Parameters
    ----------
    site
        Name of a site, or its TOML file; None for this machine.
    home
        Folder of runs, results and catalogue of this machine; None for the user's own.
    settings
        TOML file that changes what is shown.
    port, ip
        Where to listen; where the port is taken, the next free one. Only this machine can connect by default.
    token
        What a visitor has to know; None for a new one, ``""`` for none at all.
    open_browser
        Show the page in this machine's browser.
    say
        Called with the address.

    Raises
    ------
    MissingExtraError
        Voila is not installed.
    FacilityError
        There is no free port.
    """
    require("voila", extra="portal")
    from tornado.ioloop import IOLoop
    from voila.app import Voila

    _tell_kernels(site, home, settings)
    chosen = secrets.token_urlsafe(24) if token is None else token
    # Voila looks for its templates where Jupyter looks for data.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        [str(FOLDER / "jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    )
    app = Voila(ip=ip, port=_free_port(ip, port), port_retries=PORTS, open_browser=False, token=chosen, log_level=40)
    app.config.VoilaConfiguration.template = "xpcs_nb"
    app.config.VoilaConfiguration.allow_template_override = "NO"
    app.config.Voila.root_dir = str(FOLDER)
    app.initialize([str(FOLDER / "portal.ipynb")])

    def ready() -> None:
        shown = socket.gethostname() if ip in {"", "0.0.0.0", "::"} else ip  # noqa: S104
        address = f"http://{shown}:{app.port}/" + (f"?token={chosen}" if chosen else "")
        say(address)
        if open_browser:
            webbrowser.open(address)

    IOLoop.current().add_callback(ready)
    app.start()


def portal_page() -> ipywidgets.Widget:
    """Return what the page shows: the portal of the site that it was started for, or why there is none."""
    import ipywidgets

    from xpcs_nb.flows import connect
    from xpcs_nb.widgets._browse import browse

    try:
        facility = connect(os.environ.get(SITE) or None, home=os.environ.get(HOME) or None)
        return browse(facility, settings=os.environ.get(SETTINGS) or None)
    except XpcsError as error:
        # A message may name what others wrote, so it is text, not HTML.
        wide = ipywidgets.Layout(width="100%", height="12em")
        return ipywidgets.Textarea(f"{type(error).__name__}: {error}", disabled=True, layout=wide)


def _tell_kernels(site: str | None, home: Path | None, settings: Path | None) -> None:
    told: dict[str, Any] = {SITE: site, HOME: home, SETTINGS: settings}
    for name, value in told.items():
        os.environ.pop(name, None)
        if value is not None:
            # The kernel's folder is another one.
            os.environ[name] = str(Path(value).absolute()) if name != SITE or str(value).endswith(".toml") else value


def _free_port(ip: str, port: int) -> int:
    for number in range(port, port + PORTS) if port else (0,):
        with closing(socket.socket()) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((ip, number))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise FacilityError("there is no free port for the portal", where=ip, got=f"{port} to {port + PORTS - 1} are taken")
