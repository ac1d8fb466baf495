"""`llmasos-edu finetune`: a model of a folder learns a task, or conversations of one's own.

Teaches: the same loop as `train`, begun from weights that are there; what differs is which tokens count and
which parameters move. The same command under `torchrun` runs on many processes. Leaves out: judging the
result (`llmasos-edu evaluate`). Explained in lesson 09.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from ..config import Config, setting
from ..files import atomic_write, data_dir
from .fields import given, inner_app, options
from .train import device_of, refuse_another, tell

if TYPE_CHECKING:
    from ..batches import Document, Example
    from ..finetuning import Practice, Template
    from ..tinyworld import Turn
    from ..tokenizer import Tokenizer
    from ..training import TrainConfig

__all__ = ["Job", "app", "as_chat", "folder_of", "template_of"]

BASE = "tinyworld-base"
OURS = "<|user|>"  # a mark of TinyWorld's chats
FAR = 900_000_000  # the first story of the test during training: a run does not come so far


@dataclass(frozen=True)
class Job(Config):
    """What a model learns, how much of it moves, and where the run lies."""

    task: str = setting(
        "question_answering",
        "translation, summarization, question_answering, dialogue; or a .jsonl file of conversations",
    )
    language: Literal["en", "zh"] = setting("en", "of what is given")
    model: str = setting(BASE, f"{BASE}, smollm2 (the fetched real LLM), or a Hugging Face folder")
    learn: Literal["all", "last block", "head", "norms", "lora"] = setting("all", "which parameters move")
    rank: int = setting(4, "of LoRA's matrices", least=1)
    alpha: float = setting(8.0, "LoRA's scale times its rank", least=0)
    counts: Literal["answers", "everything"] = setting("answers", "which tokens the loss counts")
    replay: float = setting(
        0.0, "stories among what is learned, against forgetting", "share", least=0, most=0.99
    )
    packed: bool = setting(False, "several examples in a row, which do not see each other")
    context_length: int = setting(
        256, "the longest example, and a packed row; at most the model's own", "tokens",
        least=2,
    )  # fmt: skip
    run_dir: str = setting(
        "runs/finetuned",
        "where checkpoints, metrics.jsonl and at last the model go; the same command goes on",
    )
    device: str = setting("auto", "cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else cpu")


def app() -> typer.Typer:
    """The program, with a flag for every field of the configs."""
    from ..finetuning import Practice
    from ..training import TrainConfig

    how = options([Practice, TrainConfig], "How, where the task's recipe is to be changed", defaults=False)
    return inner_app(run, [*options([Job], "What to learn"), *how])


def run(**flags: Any) -> None:
    """Finetune a model, or go on with a run: the same command again continues from its last checkpoint.

    llmasos-edu finetune --task dialogue --language zh --run-dir runs/dialogue    (by the task's recipe)

    llmasos-edu finetune --task my_chats.jsonl --model smollm2 --learn lora --run-dir runs/mine

    torchrun --nproc-per-node 2 -m llmasos_edu.cli finetune …    (two processes)
    """
    from ..finetuning import OWN, RECIPES, Practice, examples_apart, lasting, trained
    from ..training import TrainConfig, together, train

    job = Job(**given(Job, flags))
    shown, training = RECIPES.get(job.task, OWN)
    asked = given(TrainConfig, flags)
    training = lasting(training, asked.pop("steps", training.steps)).replace(**asked)
    shown = shown.replace(**given(Practice, flags))
    device, folder = device_of(job.device), Path(job.run_dir)
    made_of = json.loads(job.to_json()) | json.loads(shown.to_json())
    del made_of["run_dir"], made_of["device"]
    with together(device) as ranks:
        refuse_another(folder, made_of)
        model, tokenizer = _loaded(job, training.seed)
        model.to(device)
        end = tokenizer.special_tokens[_mark(tokenizer)]
        job = job.replace(context_length=min(job.context_length, model.config.context_length))
        batches, test = _batches(job, shown, tokenizer, end, training.seed)
        if ranks.first:
            with atomic_write(folder / "run.json") as file:
                file.write(json.dumps(made_of, indent=1, ensure_ascii=False) + "\n")
            whole = sum(p.numel() for p in model.parameters())
            typer.echo(
                f"{job.model}: {trained(model):,} of {whole:,} parameters learn, on {device}, in {folder}"
            )
        with examples_apart(model, end) if job.packed else nullcontext():
            history = train(model, batches, training, validation=test, run_dir=folder, callbacks=[tell])
        if ranks.first and history.steps[-1] == training.steps:
            typer.echo(f"The model lies in {_write(folder, job, training)}")


def folder_of(model: str) -> Path:
    """The folder of a model that has a name, or of a path."""
    from .. import real_llm

    if model == BASE:
        return data_dir() / "checkpoints" / BASE
    return real_llm.folder() if model == "smollm2" else Path(model)


def _loaded(job: Job, seed: int) -> tuple[Any, Tokenizer]:
    """The model, of which only what is to learn can move, and its tokenizer."""
    import torch

    from .. import lora, pretrained
    from ..finetuning import freeze

    model, tokenizer = pretrained.load(folder_of(job.model))
    if job.learn == "lora":
        config = lora.LoraConfig(rank=job.rank, alpha=job.alpha)
        lora.add_lora(model, config, generator=torch.Generator().manual_seed(seed))
    else:
        freeze(model, but=job.learn)
    return model, tokenizer


def _mark(tokenizer: Tokenizer) -> str:
    """The token that stands before each example."""
    for mark in ("<|end|>", "<|endoftext|>"):
        if mark in tokenizer.special_tokens:
            return mark
    known = ", ".join(tokenizer.special_tokens) or "none"
    raise ValueError(f"the tokenizer must have <|end|> or <|endoftext|> to part examples; it has {known}")


def _batches(
    job: Job, shown: Practice, tokenizer: Tokenizer, end: int, seed: int
) -> tuple[Any, list[Any] | None]:
    """What is learned from, and a test on examples that are not among it (None where there are too few)."""
    from ..batches import Documents
    from ..finetuning import lessons_of, read_conversations, with_replay
    from ..tinyworld import World, tasks

    example = _examples(job, tokenizer)
    learned: Callable[[int], Document] | list[Example]
    if job.task in tasks.TASKS:
        talks, items = lessons_of(job.task, job.language, shown), tasks.training(job.task, job.language, FAR)
        learned, tested = (
            lambda n: example(talks(n)),
            [example(items(n).turns) for n in range(64)],
        )
    elif job.task.endswith(".jsonl"):
        own = [example(turns) for turns in read_conversations(job.task)]
        learned, tested = own[len(own) // 10 :], own[: len(own) // 10]
    else:
        raise ValueError(f"task must be {', '.join(tasks.TASKS)}, or a .jsonl file; got {job.task!r}")
    documents = partial(Documents, end_id=end, context_length=job.context_length)
    test = [documents(tested, batch_size=len(tested), seed=0).batch(0)] if tested else None
    if job.replay:
        if _mark(tokenizer) != "<|end|>":
            raise ValueError(
                "replay tells TinyWorld's stories, which only TinyWorld's models have learned; take 0"
            )
        worlds = [World("en"), World("zh")]
        listed = learned if callable(learned) else lambda n, rows=learned: rows[n % len(rows)]
        learned = with_replay(listed, lambda n: tokenizer.encode(worlds[n % 2].story(n).text), job.replay)
    how: dict[str, Any] = {"width": "packed"} if job.packed else {"alike": 8}
    return documents(learned, batch_size=shown.batch_size, seed=seed, **how), test


def _examples(job: Job, tokenizer: Tokenizer) -> Callable[[Any], Example]:
    """From turns to an example: in TinyWorld's marks, or by the template of the model's folder."""
    from ..finetuning import by_template, conversation

    write = template_of(folder_of(job.model), tokenizer)
    if write is None:
        return lambda turns: conversation(turns, tokenizer, learn=job.counts)
    if job.counts == "everything":
        raise ValueError("counts must be 'answers' where a folder's own template writes the marks")
    return lambda turns: by_template(as_chat(turns), tokenizer, write)


def template_of(folder: Path, tokenizer: Tokenizer) -> Template | None:
    """What writes a chat in the marks of the model's folder; None where they are TinyWorld's."""
    from .. import pretrained

    if OURS in tokenizer.special_tokens:
        return None

    def write(turns: Sequence[Turn], asks: bool) -> str:
        messages = [{"role": turn.speaker, "content": turn.text} for turn in turns]
        return pretrained.chat(folder, messages, add_generation_prompt=asks)

    return write


def as_chat(turns: Sequence[Turn]) -> list[Turn]:
    """A translation's languages as user and assistant, the speakers that other models' templates know."""
    roles = (
        {turns[0].speaker: "user", turns[1].speaker: "assistant"} if turns[0].speaker in ("en", "zh") else {}
    )
    return [replace(turn, speaker=roles.get(turn.speaker, turn.speaker)) for turn in turns]


def _write(folder: Path, job: Job, training: TrainConfig) -> Path:
    """The last checkpoint, whole where the run was split, as a Hugging Face folder; an adapter beside it."""
    from .. import checkpoint, lora, pretrained
    from ..finetuning import CHAT_TEMPLATE

    model, tokenizer = _loaded(job, training.seed)
    checkpoint.restore(model, checkpoint.load(checkpoint.place(folder, training.steps)))
    if job.learn == "lora":
        pretrained.export_adapter(folder / "adapter", model)
        lora.merge(model)
        lora.drop_lora(model)
    if OURS in tokenizer.special_tokens:
        how: dict[str, Any] = {
            "end_token": "<|end|>",
            "chat_template": CHAT_TEMPLATE,
            "stop_tokens": [OURS],
        }
    else:
        template, marks = pretrained.chat_template(folder_of(job.model))
        how = {"end_token": marks.get("eos_token"), "chat_template": template}
    return pretrained.export(folder / "model", model, tokenizer, **how)
