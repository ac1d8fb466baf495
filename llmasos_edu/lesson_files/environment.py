"""The environment in which lessons are executed and compared, the same on every machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["lesson_environment"]

QUIET = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "LLMASOS_EDU_LIVE": "0",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
LOOPBACK_ONLY = '''"""Lessons open no connection beyond this machine; a check refuses it in its kernels."""


def _guard():
    import ipaddress
    import socket

    def refuse(host):
        if host in (None, "", b"", "localhost", b"localhost"):
            return
        try:
            if ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback:
                return
        except ValueError:
            pass
        raise ConnectionRefusedError(f"a lesson opens no connection beyond this machine; it tried {host!r}")

    def guarded(method, at):
        def call(self, *args):
            if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(args[at], tuple):
                refuse(args[at][0])
            return method(self, *args)

        return call

    for name, at in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
        setattr(socket.socket, name, guarded(getattr(socket.socket, name), at))
    look_up = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        refuse(host)
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


_guard()
del _guard
'''


def lesson_environment(folder: str | Path) -> dict[str, str]:
    """The environment in which lessons are executed and compared, the same everywhere.

    Args:
        folder: An empty temporary folder; the learner's state and IPython's files go there.

    Returns:
        A copy of this process's environment with an empty state, bars and live charts off, one thread, no
        GPU, and a start-up file that refuses connections beyond loopback.
    """
    folder = Path(folder)
    start = folder / "ipython" / "profile_default" / "startup" / "00-loopback-only.py"
    start.parent.mkdir(parents=True, exist_ok=True)
    start.write_text(LOOPBACK_ONLY, encoding="utf-8")
    config = start.parents[1] / "ipython_kernel_config.py"
    config.write_text("c.HistoryManager.enabled = False\nc.IPKernelApp.log_level = 40\n", encoding="utf-8")
    state = {"LLMASOS_EDU_STATE": str(folder / "state"), "IPYTHONDIR": str(folder / "ipython")}
    return {**os.environ, **QUIET, **state}
