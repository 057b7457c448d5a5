"""JupyterLab and Chromium for tests: start both, open a notebook, run it, look into page and kernel."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import nbformat
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, sync_playwright

from tests.browser.kernel import Kernel

CHROMIUM = os.environ.get("XPCS_NB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Milliseconds that the page may take.
PATIENCE = 120_000
WIDE = {"width": 1500, "height": 1100}
#: What a page of Voila says where Notebook is installed, whose extension is not for it.
NOTEBOOKS_EXTENSION = "The getter for the shared module is not a function"

READY = """async () => {
  const app = window.jupyterapp;
  const deadline = Date.now() + 110000;
  const until = async (test) => {
    while (!test()) {
      if (Date.now() > deadline) throw new Error('the notebook did not get ready');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await until(() => app.shell.currentWidget?.sessionContext);
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await until(() => panel.sessionContext.session?.kernel?.connectionStatus === 'connected');
  await panel.sessionContext.session.kernel.info;
  return panel.sessionContext.session.kernel.id;
}"""

#: What is shown goes before the kernel does: it may ask for something at any time.
CLOSE = """async () => {
  const { shell, serviceManager } = window.jupyterapp;
  const { id } = shell.currentWidget.sessionContext.session;
  shell.currentWidget.dispose();
  await serviceManager.sessions.shutdown(id);
}"""


class Notebook:
    """An open notebook: its page and its kernel."""

    def __init__(self, lab: Lab, page: Page, path: Path, kernel: Kernel) -> None:
        self.lab, self.page, self.path, self.kernel = lab, page, path, kernel

    def run_all(self) -> None:
        """Run all cells, as the menu does."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def save(self) -> None:
        """Save the notebook with the state of its widgets."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def bring(self, selector: str) -> Locator:
        """Return the one visible element, scrolled into view."""
        found = self.page.locator(selector).first
        found.wait_for(state="visible", timeout=PATIENCE)
        found.scroll_into_view_if_needed()
        return found

    def picture(self, name: str) -> Path:
        """Keep a picture of the page."""
        path = self.lab.pictures / f"{name}.png"
        self.page.screenshot(path=str(path))
        return path

    def close(self) -> None:
        """Close the notebook, stop its kernel, and close the page."""
        self.kernel.close()
        self.page.evaluate(CLOSE)
        self.page.close()


class Dashboard(Notebook):
    """A notebook that Voila shows."""

    def close(self) -> None:
        """Close the page; Voila stops the kernel then."""
        self.kernel.close()
        self.page.close(run_before_unload=True)


class Lab:
    """A JupyterLab server with a browser; `outside` and `complaints` say what should not have happened.

    Parameters
    ----------
    folder
        Empty, for all that the server and the browser keep.
    pictures
        Where screenshots go.
    """

    def __init__(self, folder: Path, pictures: Path, context: BrowserContext) -> None:
        self.root = folder / "notebooks"
        self.pictures = pictures
        self.context = context
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self._home = folder / "home"
        self.root.mkdir(parents=True, exist_ok=True)
        pictures.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        with (folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *self._options()],
                env=private_environment(self._home),
                cwd=self.root,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            wait_for(f"{self.url}/api/status", self.process)
        except RuntimeError:
            self.close()
            raise
        context.on("request", self._asked)

    def _options(self) -> list[str]:
        return [
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.allow_root=True",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ]

    def open(
        self, name: str, cells: Sequence[str] | None = None, *, viewport: Mapping[str, int] = WIDE, at: str = "lab/tree"
    ) -> Notebook:
        """Write a notebook of these cells (None: it is there already), and open it with a kernel.

        It opens in JupyterLab; with ``at="notebooks"`` in Notebook.
        """
        path = self.write(name, cells)
        page = self.new_page(viewport)
        page.goto(f"{self.url}/{at}/{path.name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        return Notebook(self, page, path, self.kernel(page.evaluate(READY)))

    def show(self, name: str, cells: Sequence[str]) -> Dashboard:
        """Write a notebook of these cells, and have Voila run and show it; nothing outside can be reached."""
        path = self.write(name, cells)
        page = self.new_page()
        page.route(lambda address: not address.startswith(self.url), lambda route: route.abort())
        page.goto(f"{self.url}/voila/render/{path.name}")
        told = page.wait_for_selector("#jupyter-config-data", state="attached").text_content()
        return Dashboard(self, page, path, self.kernel(json.loads(str(told))["kernelId"]))

    def write(self, name: str, cells: Sequence[str] | None) -> Path:
        """Write a notebook of these cells, if there are any, and return its path."""
        path = self.root / f"{name}.ipynb"
        if cells is not None:
            path.write_text(nbformat.writes(make_notebook(cells)), encoding="utf-8")
        return path

    def new_page(self, viewport: Mapping[str, int] = WIDE) -> Page:
        """Return an empty page whose complaints are kept."""
        page = self.context.new_page()
        page.set_viewport_size(dict(viewport))  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def kernel(self, identity: str) -> Kernel:
        """Return a client of a kernel that the server has started."""
        return Kernel(next((self._home / "runtime").glob(f"*{identity}*.json")))

    def theme(self, page: Page, name: str) -> None:
        """Change the colours of JupyterLab: ``JupyterLab Light`` or ``JupyterLab Dark``."""
        page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        page.wait_for_function("(name) => document.body.dataset.jpThemeName === name", arg=name)

    def _asked(self, request: Request) -> None:
        address = urlparse(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname not in {"127.0.0.1", "localhost"}:
            self.outside.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def forget_complaints(self, *parts: str) -> None:
        """Forget complaints with one of these in them."""
        self.complaints[:] = [each for each in self.complaints if not any(part in each for part in parts)]

    def close(self) -> None:
        """Stop the server and what it started."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def browser(folder: Path) -> Iterator[BrowserContext]:
    """Start Chromium with a profile of its own."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=CHROMIUM, headless=True, args=ARGUMENTS, viewport=WIDE
        )
        try:
            yield context
        finally:
            context.close()


@contextmanager
def open_lab(folder: Path, pictures: Path) -> Iterator[Lab]:
    """Start browser and server, and stop both afterwards."""
    with browser(folder) as context:
        lab = Lab(folder, pictures, context)
        try:
            yield lab
        finally:
            lab.close()


def why_no_browser() -> str | None:
    """Return why there can't be a browser here; None if there can."""
    return None if CHROMIUM else "no chromium here; install it, or name it in XPCS_NB_CHROMIUM"


def make_notebook(cells: Sequence[str]) -> Any:
    """Return a notebook of code cells for the kernel of this environment."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
    )


def private_environment(home: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps everything in `home`, and asks nobody for news."""
    places = {name: home / name for name in ("config", "data", "runtime", "settings", "workspaces", "ipython")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    write_setting(
        places["settings"],
        "@jupyterlab/apputils-extension/notification",
        {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    )
    write_setting(places["settings"], "@jupyter-widgets/jupyterlab-manager/plugin", {"saveState": True})
    return os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(places["config"]),
        "JUPYTER_DATA_DIR": str(places["data"]),
        "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(places["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(places["workspaces"]),
        "IPYTHONDIR": str(places["ipython"]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def write_setting(folder: Path, plugin: str, values: Mapping[str, Any]) -> None:
    """Write the settings of a plugin of JupyterLab."""
    path = folder / f"{plugin}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # a server of ours
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"no answer from {url}")


def until(check: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a check holds."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.05)


class Stage:
    """The image of a view on a page that shows all of it; positions are pixels of the image.

    Parameters
    ----------
    shape
        (rows, columns) of the image.
    """

    def __init__(self, book: Notebook, shape: tuple[int, int]) -> None:
        self.page, self.shape = book.page, shape
        self.locator = book.bring(".xnb-stage")
        self.page.wait_for_selector(".xnb-notice", state="hidden")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a position is on the page."""
        box = self.locator.bounding_box()
        assert box is not None
        rows, columns = self.shape
        # one CSS pixel is the border
        scale = min((box["width"] - 2) / columns, (box["height"] - 2) / rows)
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return middle[0] + (x - (columns - 1) / 2) * scale, middle[1] + (y - (rows - 1) / 2) * scale

    def click(self, x: float, y: float, *, keys: Sequence[str] = ()) -> None:
        """Click a position with keys held down."""
        with self.holding(keys):
            self.page.mouse.click(*self.place(x, y))

    def drag(self, *points: tuple[float, float], keys: Sequence[str] = ()) -> None:
        """Press at the first position, and go along the others."""
        with self.holding(keys):
            self.page.mouse.move(*self.place(*points[0]))
            self.page.mouse.down()
            for point in points[1:]:
                self.page.mouse.move(*self.place(*point), steps=4)
            self.page.mouse.up()

    def finger(self, what: str, number: int, x: float, y: float) -> None:
        """Put a finger ``down`` on a position, ``move`` it there, or lift it (``up``)."""
        px, py = self.place(x, y)
        self.locator.evaluate(
            """(stage, [what, id, x, y]) => stage.dispatchEvent(new PointerEvent(`pointer${what}`, {
              pointerId: 100 + id, pointerType: 'touch', clientX: x, clientY: y, bubbles: true, button: 0,
            }))""",
            [what, number, px, py],
        )

    def press(self, key: str) -> None:
        """Press a key while the image has the focus."""
        self.locator.focus()
        self.page.keyboard.press(key)

    @contextmanager
    def holding(self, keys: Sequence[str]) -> Iterator[None]:
        """Hold keys down."""
        for key in keys:
            self.page.keyboard.down(key)
        try:
            yield
        finally:
            for key in keys:
                self.page.keyboard.up(key)
