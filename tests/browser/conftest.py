"""One JupyterLab and one Chromium for all browser tests, skipped where there is none (under CI: failed)."""

import importlib.util
import os

import pytest

from llmasos_edu.widgets.base import assemble
from tests.browser.driver import Desk, chromium


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


CALL = """([module, name, args]) => {
  const array = (x) => (Array.isArray(x) && typeof x[0] === "number" ? Float64Array.from(x) : x);
  const result = module[name](...args.map(array));
  return ArrayBuffer.isView(result) ? Array.from(result) : result;
}"""


def missing() -> str:
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: pip install 'llmasos-edu[dev]'"
    return "" if chromium() else "no Chromium here: apt-get install chromium"


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """The server and the browser: `with desk.notebook({"a": "1 + 1"}) as notebook: notebook.run("a")`."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    made = Desk(tmp_path_factory.mktemp("browser"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["lab", "notebook"])
def notebook(request, desk):
    """A notebook of the module's CELLS (id → source), all run, in JupyterLab and in Notebook 7."""
    with desk.notebook(request.module.CELLS, request.param) as opened:
        opened.run(*request.module.CELLS)
        yield opened


@pytest.fixture(scope="session")
def js(desk):
    """Call an exported function of a widget's module: `js("attention_math", "topK", [0.1, 0.9], 1)`."""
    page = desk.browser.new_page()
    loaded = {}

    def call(module, function, *arguments):
        if module not in loaded:
            loaded[module] = page.evaluate_handle(
                "(text) => import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))",
                assemble(module),
            )
        return page.evaluate(CALL, [loaded[module], function, arguments])

    yield call
    page.close()
