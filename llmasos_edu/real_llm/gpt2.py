"""The article's model, GPT-2: fetched only when you ask, from the hub or the mirror that `HF_ENDPOINT` names.

Teaches: a model on a hub is a handful of files under one revision. A pinned revision and a checksum for each
file say which model it is, wherever the bytes come from; so a mirror, or a copy that somebody brings, is as
good as the hub. Lesson 10 runs it where it is; no lesson needs it.

Leaves out: GPT-2's larger sizes, and pickles (``pytorch_model.bin``), which can run any code while they load.
Sources: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; the hub's repository
openai-community/gpt2. The checksums are those that several public projects have recorded for this revision.
"""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..files import (
    FetchError,
    atomic_folder,
    cache_dir,
    check_space,
    sha256_of,
    verify,
    why_not_written,
)

__all__ = ["FILES", "NAME", "fetch", "intact", "place", "present"]

NAME = "gpt2"
REPOSITORY, REVISION = "openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e"
HUB = "https://huggingface.co"
FILES = {  # file → (bytes, SHA-256)
    "config.json": (665, "0daed7749b4f02b8f76240d5444551d7b08712dab4d0adb8239c56ba823bb7b4"),
    "generation_config.json": (124, "ed0b32ac72c0f5f44a719abb2d7786ea5146c871f83717b7f2018065954de02b"),
    "tokenizer.json": (1_355_256, "8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6"),
    "tokenizer_config.json": (26, "5e04eb606e3a1583530a42e36c2a6b6615c86f34fe77e44d9ddeb43ff940931f"),
    "model.safetensors": (548_105_171, "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707"),
}
PICKLES = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")
PIECE = 1 << 20  # bytes read at once
TIMEOUT = 30  # seconds without a word from the other side
WITHOUT_NETWORK = (
    "Check the network and the proxy settings, or set HF_ENDPOINT to a mirror, then run this again. Without "
    f"a network: bring a folder with {', '.join(FILES)}, "
    "and run `llmasos-edu fetch gpt2 --from-folder FOLDER`."
)


def place() -> Path:
    """Where the model lies once it is fetched."""
    return cache_dir() / NAME


def present() -> bool:
    """Whether the model lies complete in the user's cache: every file, in its full size. Takes no time."""
    try:
        return all((place() / name).stat().st_size == size for name, (size, _) in FILES.items())
    except OSError:
        return False


def intact() -> bool:
    """Whether the model is present and every file has its checksum. Reads 550 MB."""
    return present() and all(sha256_of(place() / name) == sha for name, (_, sha) in FILES.items())


def fetch(source: str | Path | None = None, progress: bool = True) -> Path:
    """Make sure that GPT-2 lies in the user's cache, as a Hugging Face folder beside the real LLM.

    Args:
        source: ``None`` to download; or a folder that is already here, one with the files or the hub's own
            cache of it (``models--openai-community--gpt2``).
        progress: Show a bar on stderr.

    Returns:
        The folder. One that is complete and intact is kept; a damaged one is replaced.

    Raises:
        FetchError: Offline, cut off (what has come stays, and the next call goes on there), a wrong checksum,
            a full disk, no safetensors.
    """
    if intact():
        return place()
    arriving = cache_dir() / f".{NAME}.arriving"
    total = sum(size for size, _ in FILES.values())
    try:
        if source is None:
            arriving.mkdir(parents=True, exist_ok=True)
            check_space(arriving, total - sum(p.stat().st_size for p in arriving.iterdir()))
            for name in FILES:
                _download(name, arriving, progress)
            source = arriving
        _put(_with_files(Path(source)), move=source == arriving)
    except OSError as e:
        if e.errno == errno.ENOSPC:
            shutil.rmtree(arriving, ignore_errors=True)
        needs = f"GPT-2 takes {total / 1e6:,.0f} MB"
        raise FetchError(why_not_written(e, "GPT-2", needs)) from e
    shutil.rmtree(arriving, ignore_errors=True)
    return place()


def _put(source: Path, move: bool) -> None:
    """Bring verified files under the final name, all of them or none."""
    with atomic_folder(place()) as target:
        for name, (_, sha) in FILES.items():
            (os.replace if move else shutil.copyfile)(source / name, target / name)
            if not move:
                _verified(target / name, sha)


def _with_files(folder: Path) -> Path:
    """The folder itself, or the snapshot in it where it is the hub's own cache; refuses a pickle."""
    for found in (folder / "snapshots" / REVISION, folder):
        missing = [name for name in FILES if not (found / name).is_file()]
        if not missing:
            return found
    pickles = [name for name in PICKLES if (folder / name).is_file()]
    if "model.safetensors" in missing and pickles:
        raise FetchError(
            f"{folder} has {pickles[0]} but no model.safetensors. A pickle can run any code while it loads, "
            "so it is not taken: bring the safetensors file of the same model"
        )
    raise FetchError(f"the folder must hold {', '.join(FILES)}; {folder} lacks {', '.join(missing)}")


def _download(name: str, folder: Path, progress: bool) -> None:
    """One file, from where an earlier call was cut off."""
    size, sha = FILES[name]
    path = folder / name
    here = path.stat().st_size if path.exists() else 0
    if here < size:
        with _open(name, here) as answer:
            go_on = answer.status == 206  # a server that knows no ranges sends all of it anew
            here = here if go_on else 0
            with (
                open(path, "ab" if go_on else "wb") as file,
                tqdm(
                    desc=name, initial=here, total=size, unit="B", unit_scale=True, disable=not progress
                ) as bar,
            ):
                while piece := _read(answer, name):
                    bar.update(file.write(piece))
        if path.stat().st_size < size:
            raise FetchError(
                f"the connection was cut after {path.stat().st_size:,} of {size:,} bytes of {name}. "
                "Run this again: it goes on there"
            )
    _verified(path, sha)


def _open(name: str, start: int) -> Any:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise FetchError(
            "HF_HUB_OFFLINE is set, so nothing was fetched: unset it to fetch, or use --from-folder"
        )
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        raise FetchError(f"HF_ENDPOINT must be an address such as {HUB}; got {endpoint!r}")
    url = f"{endpoint}/{REPOSITORY}/resolve/{REVISION}/{name}"
    ask = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(ask, timeout=TIMEOUT)
    except urllib.error.HTTPError as e:
        why = f"{url} answers {e.code} {e.reason}"
        if e.code == 404 and name == "model.safetensors":
            why += ". Only safetensors are taken: a pickle can run any code while it loads"
        raise FetchError(f"{why}\n{WITHOUT_NETWORK}") from e
    except (OSError, http.client.HTTPException) as e:
        raise FetchError(f"GPT-2 could not be had from {url}: {e}\n{WITHOUT_NETWORK}") from e


def _read(answer: Any, name: str) -> bytes:
    try:
        return answer.read(PIECE)
    except (OSError, http.client.HTTPException) as e:
        raise FetchError(
            f"the connection was cut within {name}: {e}. Run this again: it goes on there"
        ) from e


def _verified(path: Path, sha: str) -> None:
    try:
        verify(path, sha)
    except ValueError as e:
        path.unlink()
        raise FetchError(f"wrong checksum, so the file was not used: {e}") from e
