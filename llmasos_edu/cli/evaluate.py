"""`llmasos-edu evaluate`: a finetuned model answers a frozen test set, and exact truth judges it.

Leaves out: learning (`llmasos-edu finetune`), and what each number means (`evaluation`). Explained in
lessons 11 to 14.
"""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["evaluate"]


class Task(StrEnum):
    """What can be asked."""

    translation = "translation"
    summarization = "summarization"
    question_answering = "question_answering"
    dialogue = "dialogue"


class Language(StrEnum):
    """Of what is given."""

    en = "en"
    zh = "zh"


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A Hugging Face folder, such as runs/finetuned/model.")
    ],
    task: Annotated[Task, typer.Option(help="Which test set.")] = Task.question_answering,
    language: Annotated[Language, typer.Option(help="Of what is given.")] = Language.en,
    items: Annotated[int, typer.Option(help="The most to ask (items).", min=2)] = 10_000,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; else CUDA or cpu.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Numbers, errors and every answer as JSON.")
    ] = False,
) -> None:
    """Ask a finetuned model a frozen test set, and say what is right, by exact truth, and what went wrong.

    The stories of the set were never learned from, and each tells a combination of person, thing and place
    that no training story tells. In a dialogue the model's own answers stand in the talk.
    """
    try:
        _evaluate(model, task.value, language.value, items, device, as_json)
    except (ValueError, OSError) as e:
        typer.echo(f"Error: {e}", err=True)
        raise typer.Exit(1) from e


def _evaluate(model: str, task: str, language: str, count: int, device: str | None, as_json: bool) -> None:
    from .. import pretrained
    from ..device import pick_device
    from ..evaluation.scores import scores
    from ..evaluation.truth import error_counts, truth
    from ..finetuning import answers_to
    from ..tinyworld.tasks import test_items
    from .finetune import as_chat, folder_of, template_of

    network, tokenizer = pretrained.load(folder_of(model))
    network.to(pick_device(device)).eval()
    asked = test_items(task, language)[:count]
    template = template_of(folder_of(model), tokenizer)
    chats = asked if template is None else [replace(item, turns=tuple(as_chat(item.turns))) for item in asked]
    answers = answers_to(network, tokenizer, chats, template=template)
    found = [truth(item, answer) for item, answer in zip(asked, answers, strict=True)]
    numbers, errors = scores(asked, answers), error_counts(found)
    if as_json:
        told = {"numbers": numbers, "errors": errors, "answers": answers}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    typer.echo(_as_table(numbers, sum(each.right for each in found), len(found)))
    typer.echo(f"\nwhat is wrong ({len(found)} items):\n" + _listed(errors))
    for item, answer, judged in zip(asked, answers, found, strict=True):
        if not judged.right:
            wrong = next(n for n, kind in enumerate(judged.kinds) if kind)
            typer.echo(f"\nsuch as ({judged.kinds[wrong]}):\n  given:  {item.turns[0].text}")
            typer.echo(f"  wanted: {' / '.join(t.text for t in item.turns[1::2])}")
            typer.echo(f"  got:    {answer if isinstance(answer, str) else ' / '.join(answer)}")
            break


def _as_table(numbers: dict[str, float], hits: int, n: int) -> str:
    from ..evaluation import wilson
    from ..rounding import table

    low, high = wilson(hits, n)
    rows = [
        [name, value, f"{low:.3f} – {high:.3f}" if name == "right" else ""] for name, value in numbers.items()
    ]
    return table(rows, ["number", "value", "95 % of the share"])


def _listed(errors: dict[str, int]) -> str:
    return "\n".join(f"  {n:>5}  {kind}" for kind, n in errors.items()) or "  nothing"
