"""Our model and tokenizer become a Hugging Face folder that transformers loads as it is.

Teaches: to share a model is to write it down as others do, under their names; an option that they do not have
cannot be shared. Leaves out: several files (one holds any size), a model card. Explained in lesson 10.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmasos_edu.checkpoint import write_tensors
from llmasos_edu.files import atomic_folder
from llmasos_edu.gpt import GPT
from llmasos_edu.llama import Llama
from llmasos_edu.lora import adapters_in_use
from llmasos_edu.pretrained.loading import check_vocabulary
from llmasos_edu.pretrained.names import places
from llmasos_edu.pretrained.reading import DTYPES
from llmasos_edu.pretrained.settings import to_settings
from llmasos_edu.tokenizer import Tokenizer

__all__ = ["export"]


def export(
    folder: str | Path,
    model: GPT | Llama,
    tokenizer: Tokenizer,
    *,
    end_token: str | None = None,
    chat_template: str | None = None,
    stop_tokens: Sequence[str] = (),
) -> Path:
    """Write a model as GPT-2, Llama, Qwen2 or Qwen3, whichever it is, with its tokenizer.

    Args:
        folder: The folder to make. It appears complete or not at all; an older one is replaced.
        model: Ours; its weights are written as they are, float32, float16 or bfloat16.
        tokenizer: Its tokenizer.
        end_token: The special token at which generation stops, such as ``"<|end|>"``; it also pads.
        chat_template: A Jinja template for messages, see `chat`.
        stop_tokens: Special tokens at which generation stops too, such as ``"<|user|>"``.

    Returns:
        The folder.

    Raises:
        ValueError: If the model has an option that none of the four has, tokenizer and model differ,
            `end_token` or a stop token is no special token, or a LoRA adapter is in use and not merged;
            nothing is written then.
        OSError: If the disk refuses; an older folder is then as it was before.
    """
    if waiting := adapters_in_use(model):
        raise ValueError(
            f"the adapter {waiting[0]!r} is beside the weights and would be left out; merge it first, or "
            "write it alone with export_adapter, and the base under `using(model, None)`"
        )
    settings = to_settings(model.config) | {"dtype": _dtype(model), **_ends(tokenizer, end_token)}
    generation = _ends(tokenizer, end_token, *stop_tokens)
    check_vocabulary(model.config.vocab_size, tokenizer)
    tokenizer_settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": model.config.context_length,
        "clean_up_tokenization_spaces": False,
        **({"eos_token": end_token, "pad_token": end_token} if end_token else {}),
        **({"chat_template": chat_template} if chat_template else {}),
    }
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    tensors = {name: p.view(parameters[p.ours]).contiguous() for name, p in places(model.config).items()}
    with atomic_folder(folder) as target:
        _write_json(target / "config.json", settings)
        _write_json(target / "generation_config.json", generation)
        _write_json(target / "tokenizer_config.json", tokenizer_settings)
        tokenizer.to_hugging_face(target)
        write_tensors(target / "model.safetensors", tensors)
    return Path(folder)


def _dtype(model: GPT | Llama) -> str:
    found = {p.dtype for p in model.parameters()}
    if len(found) != 1 or not found <= set(DTYPES.values()):
        raise ValueError(f"all weights must be float32, or all float16, or all bfloat16; got {found}")
    return str(found.pop()).removeprefix("torch.")


def _ends(tokenizer: Tokenizer, end_token: str | None, *stop_tokens: str) -> dict[str, Any]:
    """Ids for transformers, which would otherwise take those of the first GPT-2 or Llama."""
    marks = [mark for mark in (end_token, *stop_tokens) if mark is not None]
    if unknown := [mark for mark in marks if mark not in tokenizer.special_tokens]:
        known = ", ".join(tokenizer.special_tokens) or "none"
        raise ValueError(
            f"end_token and stop_tokens must be special tokens of the tokenizer ({known}); got {unknown[0]!r}"
        )
    ids = [tokenizer.special_tokens[mark] for mark in marks]
    pad = ids[0] if end_token is not None else None
    return {"bos_token_id": None, "eos_token_id": ids if stop_tokens else pad, "pad_token_id": pad}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8", newline="\n")
