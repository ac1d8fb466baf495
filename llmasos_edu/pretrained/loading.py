"""A Hugging Face folder becomes our model and our tokenizer.

Teaches: loading is copying, once every name and shape has been compared. Settings first, then the table of
contents of the weights, then numbers: whatever does not fit is told before anything large is read.
Leaves out: devices (the model is on the CPU; `model.to` moves it). Explained in lesson 08.
"""

from __future__ import annotations

from pathlib import Path

import torch

from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama
from llmasos_edu.pretrained.names import Place, places
from llmasos_edu.pretrained.reading import DTYPES, Weights, read_json
from llmasos_edu.pretrained.settings import from_settings
from llmasos_edu.tokenizer import Tokenizer

__all__ = ["check_vocabulary", "load", "load_model", "load_tokenizer"]

BUFFERS = (".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq")  # in older files: masks, RoPE's speeds
SHOWN = 8  # names listed in an error
SENTENCE_PIECE = ("tokenizer.model", "spiece.model")


def load(folder: str | Path, *, dtype: torch.dtype = torch.float32) -> tuple[GPT | Llama, Tokenizer]:
    """The model and the tokenizer of a Hugging Face folder.

    Args:
        folder: Holds ``config.json``, safetensors and ``tokenizer.json``.
        dtype: What the weights become; float32 holds float16 and bfloat16 exactly.

    Returns:
        The model, on the CPU and ready to answer (`eval`), and the tokenizer.

    Raises:
        ValueError: If something does not fit or is not done here; names it, and what to do.

    Example:
        >>> from llmasos_edu import real_llm
        >>> if real_llm.present():
        ...     model, tokenizer = load(real_llm.folder())
    """
    tokenizer = load_tokenizer(folder)
    model = load_model(folder, dtype=dtype)
    check_vocabulary(model.config.vocab_size, tokenizer)
    return model, tokenizer


def load_tokenizer(folder: str | Path) -> Tokenizer:
    """The tokenizer of a folder.

    Raises:
        ValueError: If ``tokenizer.json`` is missing or asks for what our tokenizer does not do; names it.
    """
    folder = _existing(folder)
    if not (folder / "tokenizer.json").is_file():
        old = [name for name in SENTENCE_PIECE if (folder / name).is_file()]
        instead = f"none, but {old[0]}, SentencePiece's own format, which is not read" if old else "none"
        raise ValueError(
            f"the folder must hold tokenizer.json; {folder} has {instead} (load_model loads the model alone)"
        )
    try:
        return Tokenizer.from_hugging_face(folder)
    except ValueError as e:
        raise ValueError(f"the tokenizer is not read here, load_model loads the model alone: {e}") from e


def load_model(folder: str | Path, *, dtype: torch.dtype = torch.float32) -> GPT | Llama:
    """The model of a folder, in memory once: each tensor is copied from the mapped file into its place.

    Args:
        folder: Holds ``config.json`` and safetensors, one file or several with an index.
        dtype: What the weights become.

    Returns:
        The model, on the CPU, ready to answer (`eval`); `train()` switches its dropout on.

    Raises:
        ValueError: If the config asks for what our models do not do, tensors are missing, extra or of another
            shape, or the folder holds only a pickle; lists them by name. Nothing large is read before.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be float32, float16 or bfloat16; got {dtype}")
    folder = _existing(folder)
    config = from_settings(read_json(folder / "config.json"))
    model = GPT(config, generator=None) if isinstance(config, GPTConfig) else Llama(config, generator=None)
    for parameter in model.parameters():
        if parameter.dtype != dtype:  # not model.to(dtype): RoPE's angles stay float32
            parameter.data = torch.empty_like(parameter, dtype=dtype)
    parameters, wanted = dict(model.named_parameters()), places(config)
    weights = Weights(folder)
    names = _by_our_spelling(weights.shapes, wanted)
    _check(weights, names, {name: tuple(p.view(parameters[p.ours]).shape) for name, p in wanted.items()})
    _fill(parameters, wanted, weights, names)
    return model.eval()


@torch.no_grad()
def _fill(
    parameters: dict[str, torch.nn.Parameter],
    wanted: dict[str, Place],
    weights: Weights,
    names: dict[str, str],
) -> None:
    for name, place in wanted.items():
        place.view(parameters[place.ours]).copy_(weights[names[name]])
    if "lm_head.weight" in names and "lm_head.weight" not in wanted:
        head = weights[names["lm_head.weight"]].to(parameters["embedding.weight"].dtype)
        if not torch.equal(head, parameters["embedding.weight"]):
            raise ValueError("tie_word_embeddings is true, but lm_head.weight differs from the embedding")


def _by_our_spelling(stored: dict[str, tuple[int, ...]], wanted: dict[str, Place]) -> dict[str, str]:
    """Name as transformers' causal model has it → name in the file, which may leave the prefix out."""
    prefix = next(iter(wanted)).split(".")[0] + "."
    kept = [name for name in stored if not name.endswith(BUFFERS)]
    return {n if n.startswith((prefix, "lm_head.")) else prefix + n: n for n in kept}


def _check(weights: Weights, names: dict[str, str], shapes: dict[str, tuple[int, ...]]) -> None:
    """Compare what the file has with what the config asks for, and list every difference."""
    optional = {"lm_head.weight"}
    missing = [name for name in shapes if name not in names]
    extra = [stored for name, stored in names.items() if name not in {*shapes, *optional}]
    misshaped = [
        f"{names[name]} {weights.shapes[names[name]]}, expected {shape}"
        for name, shape in shapes.items()
        if name in names and weights.shapes[names[name]] != shape
    ]
    odd = [f"{n} {weights.dtypes[n]}" for n in names.values() if weights.dtypes[n] not in DTYPES]
    kinds = (
        ("missing", missing), ("not known", extra), ("of another shape", misshaped),
        (f"of another kind than {', '.join(DTYPES)}", odd),
    )  # fmt: skip
    wrong = [f"{len(found)} {kind}: {_listed(found)}" for kind, found in kinds if found]
    if wrong:
        raise ValueError("the tensors do not fit config.json; " + "; ".join(wrong))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def check_vocabulary(vocab_size: int, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer with ids that the model has no embedding for; unused embeddings are usual.

    Raises:
        ValueError: Names both sizes.
    """
    if tokenizer.vocab_size > vocab_size:
        raise ValueError(
            f"the tokenizer must fit in the model's {vocab_size} tokens; it has {tokenizer.vocab_size}: "
            "they belong to different models"
        )


def _existing(folder: str | Path) -> Path:
    if not Path(folder).is_dir():
        raise ValueError(f"folder must be a Hugging Face folder on this machine; there is none at {folder}")
    return Path(folder)
