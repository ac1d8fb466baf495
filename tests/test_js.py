"""biome formats and lints the widgets' JavaScript and styles: a check that fails."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def biome(*arguments, cwd=REPOSITORY):
    program = shutil.which("biome", path=Path(sys.executable).parent)
    assert program, "biome is not installed: pip install 'llmasos-edu[dev]'"
    return subprocess.run(
        [program, "ci", "--colors=off", "--error-on-warnings", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_javascript_is_formatted_and_clean():
    done = biome(".")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [("const  a = 1;\nexport default a;\n", "format"), ("export default b;\n", "noUndeclared")],
)
def test_the_check_can_fail(tmp_path, text, named):
    (tmp_path / "llmasos_edu/widgets/static").mkdir(parents=True)
    (tmp_path / "llmasos_edu/widgets/static/a.js").write_text(text)
    shutil.copy(REPOSITORY / "biome.json", tmp_path)
    done = biome(".", cwd=tmp_path)
    assert done.returncode != 0
    assert named in done.stdout + done.stderr
