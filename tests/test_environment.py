"""The environments agree: pyproject.toml, constraints.txt, environment.yml, the Makefile, and CI."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LESSONS = [*PROJECT["dependencies"], *EXTRAS["hf"], *EXTRAS["eval"]]
ON_CONDA = {"matplotlib": "matplotlib-base", "torch": "pytorch"}  # the same software under another name


def requirements(lines):
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


@pytest.fixture(scope="module")
def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return requirements(line for line in lines if line and not line.startswith("#"))


def test_every_dependency_is_pinned_within_its_range(constraints):
    for name, asked in requirements([*LESSONS, *EXTRAS["dev"]]).items():
        (pin,) = constraints[name].specifier
        assert pin.operator == "=="
        assert asked.specifier.contains(pin.version), f"{name}: {asked.specifier} does not allow {pin}"


def test_torch_is_the_release_whose_wheel_is_a_cpu_build_where_ci_runs(constraints):
    assert str(constraints["torch"].specifier) == "==2.13.0"


def test_what_is_installed_is_what_is_pinned(constraints):
    for name, pin in constraints.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # another system's, or an extra that is not installed
        assert pin.specifier.contains(version), f"{name} {version} is installed, {pin} is pinned"


def test_environment_yml_is_in_step_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *packages, last = environment["dependencies"]
    assert last == {"pip": ["-e ."]}
    found = {r.name: str(r.specifier) for r in map(Requirement, packages)}
    assert found.pop("pip") == ""
    assert found.pop("python") == str(Requirement(f"python{PROJECT['requires-python']}").specifier)
    asked = {ON_CONDA.get(n, n): str(r.specifier) for n, r in requirements(LESSONS).items()}
    asked["setuptools"] = str(requirements(EXTRAS["dev"])["setuptools"].specifier)
    assert found == asked


def test_this_python_is_one_that_is_asked_for():
    here = ".".join(map(str, sys.version_info[:3]))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(here)


def test_ci_decides_by_the_readme_command_alone():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()
    assert run[-1] == "make test"
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_the_makefile_installs_the_extras_that_lessons_need():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^EXTRAS := hf,eval$", makefile, re.MULTILINE)
    for target in ("lab", "test", "notebooks", "bench", "wheels"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
