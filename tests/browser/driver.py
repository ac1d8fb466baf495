"""Drive a real JupyterLab or Notebook 7 on loopback with an installed Chromium: for tests and the bench.

`Desk` holds one server and one browser; `desk.notebook(…)` opens a notebook in a new page and checks, when it
is closed, that the page logged no error and asked for nothing outside this machine.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from llmasos_edu.files import cache_dir
from llmasos_edu.lesson_files import lesson_environment

REPOSITORY = Path(__file__).resolve().parents[2]
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip
# what a test needs: no news (the server's option alone does not stop it), every cell in the page, no saving
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}
# Notebook 7.6 logs this of itself, on an empty notebook too
OWN_ERRORS = {"Cannot read properties of undefined (reading 'schema')"}
NOTEBOOK = "window.jupyterapp.shell.currentWidget"


def chromium() -> str | None:
    """Path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def write_notebook(path: Path, cells: dict[str, str]) -> None:
    """A notebook of code cells: id → source."""
    body = {
        "cells": [
            {"cell_type": "code", "id": id, "metadata": {}, "source": source, "outputs": [],
            "execution_count": None} for id, source in cells.items()
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip
    path.write_text(json.dumps(body), encoding="utf-8")


def _environment(home: Path) -> dict[str, str]:
    """The lessons' environment; Jupyter's other folders lie under `home`, and the real LLM is kept."""
    here = {
        "HOME": "", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "MPLCONFIGDIR": "matplotlib",
    }  # fmt: skip
    return {
        **lesson_environment(home),
        **{name: str(home / folder) for name, folder in here.items()},
        "LLMASOS_EDU_CACHE": str(cache_dir()),
        "PYTHONPATH": str(REPOSITORY),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _command(app: str, token: str, root: Path) -> list[str]:
    kind = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[app]
    return [
        sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", "--ip=127.0.0.1",
        "--port=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}", f"--{kind}.expose_app_in_browser=True", "--LabApp.news_url=None",
    ]  # fmt: skip


@contextlib.contextmanager
def jupyter(app: str, home: Path, root: Path):
    """A server of `app` ("lab" or "notebook") with its own settings under `home`: (address, token)."""
    for plugin, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    token = secrets.token_hex(16)
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            _command(app, token, root), env=_environment(home), stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield _address(token, server, home / "server.log"), token
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(token: str, server: subprocess.Popen, log: Path, seconds: float = 90) -> str:
    """Where the server is, once it answers; it takes a free port by itself and says which."""
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/", log.read_text()):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{found[1]}/api/status?token={token}", timeout=2).read()
                return found[1]
        time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")


class Notebook:
    """An open notebook: run cells, find widgets, count cells. `errors` and `outside` are what went wrong."""

    def __init__(self, page, address: str, token: str, path: str, app: str):
        self.page, self.app, self.errors, self.outside = page, app, [], []
        page.on("console", lambda message: message.type == "error" and self._log(message.text))
        page.on("pageerror", lambda error: self._log(str(error)))
        page.route("**/*", self._gate)
        page.set_default_timeout(20_000)
        view = f"{address}/lab/tree/{path}" if app == "lab" else f"{address}/notebooks/{path}"
        page.goto(f"{view}?token={token}&reset", timeout=90_000)
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", timeout=90_000)
        self.wait_idle()

    def _log(self, error: str) -> None:
        if error not in OWN_ERRORS:
            self.errors.append(error)

    def _gate(self, route) -> None:
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(url)
            route.abort()

    def wait_idle(self, timeout: float = 90) -> None:
        """Wait until the kernel has nothing to do."""
        status = (
            f"window.jupyterapp && {NOTEBOOK}?.context?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        self.page.wait_for_function(status, timeout=timeout * 1000)

    def ids(self) -> list[list[str]]:
        """Id and type of every cell, in order."""
        return self.page.evaluate(f"() => {NOTEBOOK}.content.widgets.map(c => [c.model.id, c.model.type])")

    def run(self, *ids: str, timeout: float = 120) -> None:
        """Run these cells, one after the other; fail with the error of a cell that raises."""
        for id in ids:
            error = self.page.evaluate(RUN, id)
            assert not error, f"cell {id}: {error}"
        self.wait_idle(timeout)

    def python(self, source: str) -> str:
        """What `source` prints in the kernel, without a cell."""
        return self.page.evaluate(ASK, source).strip()

    def until(self, check: Callable[[], bool], seconds: float = 20) -> bool:
        """Whether `check` comes true; a wait of fixed length would be too short on a busy machine."""
        end = time.monotonic() + seconds
        while not (true := check()) and time.monotonic() < end:
            self.page.wait_for_timeout(30)
        return true

    def settled(self) -> None:
        """Wait until the browser's last word (at most 130 ms late) has reached the kernel."""
        self.page.wait_for_timeout(250)
        self.wait_idle()

    def cell(self, id: str):
        """The cell's element."""
        at = [name for name, _ in self.ids()].index(id)
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(at)

    def widget(self, id: str):
        """Our widget in the cell's output, scrolled into view and drawn at least once."""
        host = self.cell(id).locator(".llmasos-widget").first
        host.wait_for()
        host.scroll_into_view_if_needed()
        self.wait_rev(host)
        return host

    def rev(self, host) -> int:
        """How often the widget has drawn."""
        return int(host.get_attribute("data-rev"))

    def wait_rev(self, host, after: int = 0) -> None:
        """Wait until the widget has drawn more than `after` times."""
        self.page.wait_for_function(
            "([host, after]) => Number(host.dataset.rev) > after",
            arg=[host.element_handle(), after],
            timeout=20_000,
        )

    def theme(self, name: str) -> None:
        """Switch to the "light" or the "dark" theme."""
        full = f"JupyterLab {name.title()}"
        self.page.evaluate(
            "t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", full
        )
        light = str(name == "light").lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        self.page.wait_for_function(PAPER, arg=name == "light")  # its colours arrive after its name

    def leaks(self, control) -> str:
        """Press Jupyter's keys in a control: "" if the notebook stays as it was, else what changed it."""
        cells = f"{NOTEBOOK}.content.widgets.map(c => [c.model.id, c.model.type])"
        state = f"() => JSON.stringify([{cells}, {NOTEBOOK}.content.activeCellIndex])"
        control.focus()
        before = self.page.evaluate(state)
        for key in (
            "b",
            "a",
            "d",
            "d",
            "x",
            "m",
            "y",
            "ArrowDown",
            "ArrowUp",
            "ArrowLeft",
            "ArrowRight",
            "Enter",
        ):
            control.focus()
            control.press(key)
            if (after := self.page.evaluate(state)) != before:
                return f"{key!r} changed {before} to {after}"
        return ""

    def violations(self, host) -> list[str]:
        """What axe (WCAG 2.1 A and AA) finds inside the widget."""
        from axe_playwright_python.sync_playwright import Axe

        host.evaluate("host => { host.id = 'axe-' + Math.random().toString(36).slice(2); }")
        found = Axe().run(self.page, context=f"#{host.get_attribute('id')}")
        return [
            f"{v['id']}: {v['help']} ({[n['html'][:120] for n in v['nodes']]})"
            for v in found.response["violations"]
        ]


PAPER = """(light) => {
  const paper = getComputedStyle(document.body).getPropertyValue("--jp-layout-color0").trim();
  return paper !== "" && light === ["white", "#fff", "#ffffff"].includes(paper);
}"""
RUN = """async (id) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  const at = notebook.widgets.findIndex((c) => c.model.id === id);
  if (at < 0) return `no cell is called ${id}`;
  notebook.activeCellIndex = at;
  notebook.deselectAll();
  await app.commands.execute("notebook:run-cell");
  const failed = notebook.widgets[at].model.outputs?.toJSON().find((o) => o.output_type === "error");
  return failed ? `${failed.ename}: ${failed.evalue}` : "";
}"""
ASK = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code, store_history: false });
  let text = "";
  future.onIOPub = (m) => {
    if (m.header.msg_type === "stream") text += m.content.text;
    if (m.header.msg_type === "error") text += m.content.evalue;
  };
  await future.done;
  return text;
}"""


class Desk:
    """One browser, and a server for each app that is asked for; `close` ends them."""

    def __init__(self, home: Path):
        from playwright.sync_api import sync_playwright

        self.home, self.root = home, home / "desk"
        self.root.mkdir(parents=True)
        self._stack = contextlib.ExitStack()
        self._servers: dict[str, tuple[str, str]] = {}
        engine = self._stack.enter_context(sync_playwright())
        self.browser = engine.chromium.launch(executable_path=chromium(), headless=True, args=SWITCHES)
        self._stack.callback(self.browser.close)

    def close(self) -> None:
        """End the browser and the servers."""
        self._stack.close()

    def server(self, app: str) -> tuple[str, str]:
        """Address and token of the running server of `app`."""
        if app not in self._servers:
            home = self.home / app
            home.mkdir()
            self._servers[app] = self._stack.enter_context(jupyter(app, home, self.root))
        return self._servers[app]

    @contextlib.contextmanager
    def notebook(self, what: Path | dict[str, str], app: str = "lab"):
        """Open a copy of a notebook, or one made of code cells (id → source), in "lab" or "notebook"."""
        name = f"{secrets.token_hex(4)}.ipynb"
        if isinstance(what, dict):
            write_notebook(self.root / name, what)
        else:
            shutil.copy(what, self.root / name)
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        try:
            notebook = Notebook(context.new_page(), *self.server(app), name, app)
            yield notebook
            assert not notebook.errors, f"the page logged errors: {notebook.errors[:5]}"
            assert not notebook.outside, f"the page asked for {notebook.outside[:5]}"
            notebook.page.evaluate(f"() => {NOTEBOOK}.context.sessionContext.shutdown()")
        finally:
            context.close()
