"""Our names of the weights and Hugging Face's, side by side.

Teaches: a checkpoint is named arrays, and two programs that compute the same can keep them differently. Three
things differ here. GPT-2's matrices stand transposed in its files, since its code multiplies x · W. We keep
query, key and value as rows of one matrix, where Llama's files have three; the same for gate and up. A tied
head has no array of its own.

Leaves out: nothing is permuted, since we turn the same pairs of numbers by RoPE as Hugging Face does.
Source: the `state_dict` of transformers' GPT2LMHeadModel, LlamaForCausalLM, Qwen2ForCausalLM,
Qwen3ForCausalLM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmasos_edu.gpt import GPTConfig
from llmasos_edu.llama import LlamaConfig

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    Array = Float[Tensor, "..."]

__all__ = ["Place", "places"]


class Place(NamedTuple):
    """Where a tensor of a Hugging Face file lies in our model.

    Attributes:
        ours: The name of our parameter.
        rows: Which of its rows, first and past the last; None for all.
        transposed: Whether the file has rows and columns exchanged.
    """

    ours: str
    rows: tuple[int, int] | None = None
    transposed: bool = False

    def view(self, parameter: Array) -> Array:
        """The part of our parameter, shaped as in the file; it shares the parameter's memory."""
        part = parameter if self.rows is None else parameter[slice(*self.rows)]
        return part.T if self.transposed else part


def places(config: GPTConfig | LlamaConfig) -> dict[str, Place]:
    """Hugging Face's name → place in our model, for every tensor of a model with this config.

    Example:
        >>> names = places(LlamaConfig.preset("tinyworld", n_layers=1))
        >>> names["model.layers.0.self_attn.k_proj.weight"]
        Place(ours='blocks.0.attention.qkv.weight', rows=(128, 256), transposed=False)
    """
    gpt2 = isinstance(config, GPTConfig)
    found = dict(GPT2_ENDS if gpt2 else LLAMA_ENDS)
    if not config.tied:
        found["lm_head.weight"] = Place("head.weight")
    block = _gpt2_block() if isinstance(config, GPTConfig) else _llama_block(config)
    theirs = "transformer.h" if gpt2 else "model.layers"
    for i in range(config.n_layers):
        found |= {f"{theirs}.{i}.{k}": p._replace(ours=f"blocks.{i}.{p.ours}") for k, p in block.items()}
    return found


GPT2_ENDS = {
    "transformer.wte.weight": Place("embedding.weight"),
    "transformer.wpe.weight": Place("position.weight"),
    "transformer.ln_f.weight": Place("norm.weight"),
    "transformer.ln_f.bias": Place("norm.bias"),
}
LLAMA_ENDS = {
    "model.embed_tokens.weight": Place("embedding.weight"),
    "model.norm.weight": Place("norm.weight"),
}


def _gpt2_block() -> dict[str, Place]:
    parts = {
        "ln_1": "attention_norm", "attn.c_attn": "attention.qkv", "attn.c_proj": "attention.output",
        "ln_2": "feed_forward_norm", "mlp.c_fc": "feed_forward.up", "mlp.c_proj": "feed_forward.down",
    }  # fmt: skip
    weights = {f"{k}.weight": Place(f"{v}.weight", transposed="norm" not in v) for k, v in parts.items()}
    return weights | {f"{k}.bias": Place(f"{v}.bias") for k, v in parts.items()}


def _llama_block(c: LlamaConfig) -> dict[str, Place]:
    q, kv, qkv = c.n_heads * c.d_head, c.n_kv_heads * c.d_head, "attention.qkv"
    found = {
        "input_layernorm.weight": Place("attention_norm.weight"),
        "self_attn.o_proj.weight": Place("attention.output.weight"),
        "post_attention_layernorm.weight": Place("feed_forward_norm.weight"),
        "mlp.gate_proj.weight": Place("feed_forward.gate_up.weight", (0, c.d_ff)),
        "mlp.up_proj.weight": Place("feed_forward.gate_up.weight", (c.d_ff, 2 * c.d_ff)),
        "mlp.down_proj.weight": Place("feed_forward.down.weight"),
    }
    rows = {"q_proj": (0, q), "k_proj": (q, q + kv), "v_proj": (q + kv, q + 2 * kv)}
    for kind in ("weight", "bias") if c.qkv_bias else ("weight",):
        found |= {f"self_attn.{name}.{kind}": Place(f"{qkv}.{kind}", at) for name, at in rows.items()}
    if c.qk_norm == "weighted":
        found |= {f"self_attn.{x}_norm.weight": Place(f"attention.{x}_norm.weight") for x in "qk"}
    return found
