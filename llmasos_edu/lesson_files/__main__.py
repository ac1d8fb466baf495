"""Runs lessons in place, or compares them with what is stored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from llmasos_edu.lesson_files.executing import compare, execute


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of this module.

    Args:
        arguments: Those of the process where None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m llmasos_edu.lesson_files", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    run = what.add_parser("execute", help="run lessons in place and store their outputs")
    run.add_argument("notebooks", nargs="+")
    run.add_argument("--everything", action="store_true", help="also renew outputs that are not compared")
    strict = what.add_parser("compare", help="run lessons under nbval and compare all outputs")
    strict.add_argument("notebooks", nargs="+")
    strict.add_argument("-n", default="2", help="processes at once")
    asked = parser.parse_args(arguments)
    if asked.what == "compare":
        return compare(asked.notebooks, ["-n", asked.n])
    for path in asked.notebooks:
        changed = execute(path, everything=asked.everything)
        print(f"{Path(path).name}: {'new outputs' if changed else 'unchanged'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
