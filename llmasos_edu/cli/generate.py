"""`llmasos-edu generate`: a model of a folder writes into the terminal.

Each strategy is an option, named, explained and checked as the field of `Decoding` that it sets. Leaves out:
beam search and batches, which belong to a notebook. Explained in lesson 07.
"""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..generation import Decoding

if TYPE_CHECKING:
    from ..tokenizer import Tokenizer

__all__ = ["generate"]

REAL = "smollm2"


class Overflow(StrEnum):
    """What to do when the context is full."""

    refuse = "refuse"
    slide = "slide"


def _option(name: str) -> Any:
    """The option of a field of `Decoding`, with the field's own words and unit."""
    (field,) = (f for f in dataclasses.fields(Decoding) if f.name == name)
    unit = f" ({field.metadata['unit']})" if field.metadata["unit"] else ""
    return typer.Option(help=field.metadata["help"] + unit, rich_help_panel="How the next token is chosen")


def generate(
    model: Annotated[
        str, typer.Argument(metavar="FOLDER", help=f"A Hugging Face folder, or {REAL}: the fetched real LLM.")
    ],
    prompt: Annotated[
        str, typer.Argument(help="The text to go on from; a special token such as '<|end|>' is one token.")
    ],
    greedy: Annotated[bool, _option("greedy")] = Decoding.greedy,
    repetition_penalty: Annotated[float, _option("repetition_penalty")] = Decoding.repetition_penalty,
    temperature: Annotated[float, _option("temperature")] = Decoding.temperature,
    top_k: Annotated[int, _option("top_k")] = Decoding.top_k,
    top_p: Annotated[float, _option("top_p")] = Decoding.top_p,
    min_p: Annotated[float, _option("min_p")] = Decoding.min_p,
    seed: Annotated[int, typer.Option(help="Of the random numbers: the same seed, the same text.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="At most so many new ones (tokens).")] = 100,
    stop: Annotated[
        list[str] | None, typer.Option(help="End before this text; may be given several times.")
    ] = None,
    overflow: Annotated[
        Overflow,
        typer.Option(help="If prompt and new tokens outgrow the context: refuse, or forget the beginning."),
    ] = Overflow.refuse,
    chat: Annotated[
        bool, typer.Option("--chat", help="Put the prompt as a question, in the folder's own chat template.")
    ] = False,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Show the text as it comes, or when it is done.")
    ] = True,
    log_probs: Annotated[
        bool,
        typer.Option("--log-probs", help="Show each token with its log P under the model itself (nats)."),
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps; by default cuda where it is.")] = None,
) -> None:
    """Let a model write after a prompt; the new text alone goes to the terminal.

    Without options it draws from the model's own distribution. Try also:

    --greedy: it soon repeats itself.

    --temperature 0.7 --top-p 0.9: a common choice.

    --temperature 2: it babbles.
    """
    try:
        decoding = Decoding(greedy, repetition_penalty, temperature, top_k, top_p, min_p)
        _write(
            model, prompt, chat, device, stream, log_probs, seed, decoding=decoding,
            max_new_tokens=max_new_tokens, stop_strings=stop or [], overflow=overflow.value,
        )  # fmt: skip
    except (ValueError, OSError) as e:
        typer.echo(f"Error: {e}", err=True)
        raise typer.Exit(1) from e
    except KeyboardInterrupt as e:
        typer.echo("\nInterrupted.", err=True)
        raise typer.Exit(130) from e


def _write(
    name: str,
    prompt: str,
    chat: bool,
    device: str | None,
    stream: bool,
    log_probs: bool,
    seed: int,
    **how: Any,
) -> None:
    """Load the model and show what it writes."""
    import torch

    from .. import generation, pretrained, real_llm
    from ..device import pick_device

    folder = real_llm.folder() if name == REAL else Path(name)
    model, tokenizer = pretrained.load(folder)
    model.to(pick_device(device))
    text = pretrained.chat(folder, [{"role": "user", "content": prompt}]) if chat else prompt
    how |= {"generator": torch.Generator().manual_seed(seed), "stop_tokens": _end_tokens(folder)}
    if log_probs:
        ids = tokenizer.encode(text, special="allow")
        (row,) = generation.generate(model, [ids], tokenizer=tokenizer, log_probs=True, **how)
        typer.echo(_as_table(tokenizer, row.ids, row.log_probs))
    elif stream:
        for piece in generation.stream(model, tokenizer, text, **how):
            typer.echo(piece, nl=False)
        typer.echo()
    else:
        typer.echo(generation.speak(model, tokenizer, text, **how))


def _end_tokens(folder: Path) -> list[int]:
    """The ids that end a text, as the folder says."""
    for name in ("generation_config.json", "config.json"):
        if (folder / name).is_file():
            end = json.loads((folder / name).read_text(encoding="utf-8")).get("eos_token_id")
            if end is not None:
                return [end] if isinstance(end, int) else list(end)
    return []


def _as_table(tokenizer: Tokenizer, ids: list[int], log_probs: list[float]) -> str:
    import math

    from ..rounding import table

    rows = [
        [repr(tokenizer.decode([id])), id, log_p, math.exp(log_p)]
        for id, log_p in zip(ids, log_probs, strict=True)
    ]
    return table([*rows, ["all", "", sum(log_probs), ""]], ["token", "id", "log P", "P"])
