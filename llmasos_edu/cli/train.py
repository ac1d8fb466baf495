"""`llmasos-edu train`: text, a tokenizer and a model to a training run.

Teaches: what a run is made of, each choice a flag. The same command under `torchrun` runs on many processes.
Leaves out: everything that training is (`training`), and where text comes from (`corpora`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..config import Config, setting
from ..files import atomic_write
from ..tokenizer import Tokenizer
from .fields import given, inner_app, options

if TYPE_CHECKING:
    from ..training import Batches, Ranks
    from ..training.measuring import Measure

__all__ = ["Source", "app", "device_of", "refuse_another", "tell"]

WORLDS = {"tinyworld": "en", "tinyworld-zh": "zh"}
END = "<|end|>"


@dataclass(frozen=True)
class Source(Config):
    """What a run learns from, and where it lies."""

    data: tuple[str, ...] = setting(
        ("tinyworld",),
        "tinyworld, tinyworld-zh, python (its library); or text files, folders of .txt; or one .tokens file",
    )
    encoding: str = setting("utf-8", "how your files are written, such as gb18030 (it holds GBK)")
    model: str = setting(
        "llama:tinyworld", "architecture and preset, such as gpt:small; flags below change it"
    )
    tokenizer: str = setting(
        "own", "a saved tokenizer; own: TinyWorld's words, or one trained on the text, of --vocab-size tokens"
    )
    batch_size: int = setting(32, "rows a step, over all processes", "rows", least=1)
    run_dir: str = setting(
        "runs/mine", "where checkpoints and metrics.jsonl go; the same command goes on there"
    )
    device: str = setting("auto", "cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else cpu")


def app() -> typer.Typer:
    """The program, with a flag for every field of the configs."""
    from ..gpt import GPTConfig
    from ..llama import LlamaConfig
    from ..training import TrainConfig

    parameters = [
        *options([Source], "What to learn from"),
        *options([TrainConfig], "How to train"),
        *options([LlamaConfig, GPTConfig], "The model's shape, where it is not the preset's", defaults=False),
    ]
    return inner_app(run, parameters)


def run(**flags: Any) -> None:
    """Train a model, or go on with a run: the same command again continues from its last checkpoint.

    llmasos-edu train --steps 400 --optimizer muon --lr 0.003    (a world of stories, 2 minutes on a laptop)

    llmasos-edu train --data my.txt --model gpt:tiny --vocab-size 512 --run-dir runs/my

    torchrun --nproc-per-node 8 -m llmasos_edu.cli train …    (on 8 GPUs; --fsdp where one is too small)
    """
    import torch

    from ..training import TrainConfig, together, train

    source, training = Source(**given(Source, flags)), TrainConfig(**given(TrainConfig, flags))
    device = device_of(source.device)
    with together(device) as ranks:
        folder = Path(source.run_dir)
        refuse_another(folder, _made_of(source))
        config_class, model_class, preset = _architecture(source.model, flags)
        wanted = given(config_class, flags)
        shape = config_class.preset(preset, **{k: v for k, v in wanted.items() if k != "vocab_size"})
        batches, test, vocab_size = _data(
            source, shape.context_length, wanted.get("vocab_size"), training, ranks
        )
        shape = shape.replace(vocab_size=vocab_size)
        model = model_class(shape, generator=torch.Generator().manual_seed(training.seed)).to(device)
        if device.type == "cuda" and training.dtype == "bfloat16":
            torch.set_float32_matmul_precision("high")  # Muon's products as TensorFloat-32: still more bits
        if ranks.first:
            with atomic_write(folder / "run.json") as file:
                file.write(json.dumps(_made_of(source), indent=1) + "\n")
            size = sum(p.numel() for p in model.parameters())
            typer.echo(
                f"{source.model}: {size:,} parameters, {vocab_size:,} tokens, on {device}, in {folder}"
            )
        history = train(model, batches, training, validation=test, run_dir=folder, callbacks=[tell])
        if ranks.first:
            typer.echo(
                f"Ended by {history.stopped_by} at step {history.steps[-1]}. The same command goes on."
            )


def tell(event: Any) -> None:
    """A line for every test."""
    if event.validation:
        found = ", ".join(f"{name} {value:.3f}" for name, value in event.validation.items())
        typer.echo(f"step {event.step}: {event.loss:.3f} nats a token; test: {found}; {event.seconds:.0f} s")


def device_of(name: str) -> Any:
    """The device; under torchrun, each process its own card."""
    from ..device import pick_device

    device = pick_device(None if name == "auto" else name)
    if device.type == "cuda" and device.index is None:
        return pick_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return device


def _architecture(name: str, flags: dict[str, Any]) -> tuple[Any, Any, str]:
    """Config class, model class and preset of a name such as gpt:small; refuses flags of the other."""
    from .. import gpt, llama

    known: dict[str, Any] = {
        "gpt": (gpt.GPTConfig, gpt.GPT, gpt.PRESETS),
        "llama": (llama.LlamaConfig, llama.Llama, llama.PRESETS),
    }
    names = [f"{kind}:{preset}" for kind, (_, _, presets) in known.items() for preset in presets]
    if name not in names:
        raise ValueError(f"model must be one of {', '.join(names)}; got {name!r}")
    kind, preset = name.split(":")
    other = known["llama" if kind == "gpt" else "gpt"][0]
    if foreign := set(given(other, flags)) - set(given(known[kind][0], flags)):
        wrong = ", ".join("--" + n.replace("_", "-") for n in sorted(foreign))
        raise ValueError(f"{kind} has no {wrong}; that is the other architecture's")
    return known[kind][0], known[kind][1], preset


def refuse_another(folder: Path, now: dict[str, Any]) -> None:
    """A run goes on with what it began with; that stands in its run.json."""
    path = folder / "run.json"
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    if changed := [f"{name} was {before.get(name)!r}, now {now[name]!r}" for name in now
                   if before.get(name) != now[name]]:  # fmt: skip
        raise ValueError(f"the run in {folder} began otherwise: {'; '.join(changed)}. Take another --run-dir")


def _made_of(source: Source) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(source.to_json())
    return {name: found[name] for name in ("data", "model", "tokenizer", "batch_size")}


def _data(
    source: Source, context_length: int, vocab_size: int | None, training: Any, ranks: Ranks
) -> tuple[Batches, Measure | list[Any], int]:
    """Batches, a test, and how many different tokens there are."""
    folder, first = Path(source.run_dir), source.data[0]
    if len(source.data) == 1 and first in WORLDS:
        return _stories(source, context_length, vocab_size, training.seed, ranks)
    from ..batches import Windows, consecutive_windows
    from ..token_files import open_tokens

    if len(source.data) == 1 and first.endswith(".tokens"):
        stream = open_tokens(first)
        _fits(vocab_size, stream.vocab_size, f"the token file {first}")
        if source.tokenizer != "own":
            _fits(_tokenizer(source, None).vocab_size, stream.vocab_size, f"the token file {first}")
    else:
        if ranks.first and not (folder / "data.tokens").exists():
            _encode(source, folder, vocab_size)
        ranks.wait()
        stream = open_tokens(folder / "data.tokens")
        _fits(vocab_size, stream.vocab_size, "the tokenizer")
    cut = stream.count * 9 // 10  # the last tenth is for tests
    batches = Windows(
        stream.tokens[:cut], batch_size=source.batch_size, context_length=context_length, seed=training.seed
    )
    windows = consecutive_windows(stream.tokens[cut:][: 200 * context_length + 1], context_length, 20)
    return batches, list(windows), stream.vocab_size


def _stories(
    source: Source, context_length: int, vocab_size: int | None, seed: int, ranks: Ranks
) -> tuple[Batches, Measure, int]:
    """TinyWorld: a story a row, never the same twice, tested against its exact floor."""
    from ..batches import Documents
    from ..corpora import tinyworld_tokenizer
    from ..tinyworld import World
    from ..training import on_stories

    world = World(WORLDS[source.data[0]])
    tokenizer = tinyworld_tokenizer(world) if source.tokenizer == "own" else _tokenizer(source, None)
    _fits(vocab_size, tokenizer.vocab_size, "the tokenizer")
    _keep(tokenizer, Path(source.run_dir), ranks.first)
    if END not in tokenizer.special_tokens:
        raise ValueError(
            f"a tokenizer for stories must have the special token {END}; {source.tokenizer} has none"
        )
    end = tokenizer.special_tokens[END]
    batches = Documents(
        lambda i: tokenizer.encode(world.story(i).text), end_id=end, batch_size=source.batch_size,
        context_length=context_length, seed=seed,
    )  # fmt: skip
    stories = world.validation(200)
    floor = sum(story.nats for story in stories) / len(stories)
    test = on_stories([tokenizer.encode(story.text) for story in stories], end_id=end, floor=floor)
    return batches, test, tokenizer.vocab_size


def _encode(source: Source, folder: Path, vocab_size: int | None) -> None:
    """Text to a token file, once; the tokenizer beside it."""
    from ..corpora import NAMES, encode_stream

    if mixed := [name for name in source.data if name in NAMES] if len(source.data) > 1 else []:
        raise ValueError(f"data must be one name, or files alone; got {mixed[0]} among others")
    tokenizer = _tokenizer(source, vocab_size)
    names: Sequence[str] | str = source.data[0] if source.data[0] in NAMES else source.data
    encode_stream(
        names,
        tokenizer,
        folder / "data.tokens",
        end_id=tokenizer.special_tokens.get(END),
        encoding=source.encoding,
    )
    _keep(tokenizer, folder, True)


def _tokenizer(source: Source, vocab_size: int | None) -> Tokenizer:
    """The one that is named, or one trained on the first documents of the text."""
    from itertools import islice

    from ..corpora import corpus

    if source.tokenizer != "own":
        path = Path(source.tokenizer)
        if not path.exists():
            raise ValueError(f"tokenizer must be own or a saved tokenizer; there is no {source.tokenizer}")
        return Tokenizer.from_hugging_face(path) if path.is_dir() else Tokenizer.load(path)
    text = (
        document for name in source.data for document in islice(corpus(name, encoding=source.encoding), 2_000)
    )
    return Tokenizer.train(text, vocab_size or 1_024, special_tokens=(END,))


def _keep(tokenizer: Tokenizer, folder: Path, first: bool) -> None:
    if first and not (folder / "tokenizer.txt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save(folder / "tokenizer.txt")


def _fits(asked: int | None, has: int, what: str) -> None:
    """Refuse a vocabulary of the model that is not that of the tokens."""
    if asked not in (None, has):
        raise ValueError(
            f"the model and the tokens must have one vocabulary: {what} has {has:,}; got {asked:,}"
        )
