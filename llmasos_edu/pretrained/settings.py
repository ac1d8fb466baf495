"""Hugging Face's ``config.json`` to our configs and back.

Teaches: the same model has a few numbers of its own and many settings with one value that everybody uses.
The numbers are translated; a setting whose other value would change the result, and which our models do not
have, is refused by name, never ignored. What transformers itself ignores for a model (token ids, say) is
ignored here too.

Leaves out every other architecture. Source: the configuration classes of `transformers` 5 (GPT2Config,
LlamaConfig, Qwen2Config, Qwen3Config).
"""

from __future__ import annotations

from typing import Any

from llmasos_edu.gpt import GPTConfig
from llmasos_edu.llama import LlamaConfig

__all__ = ["FAMILIES", "from_settings", "to_settings"]

FAMILIES = ("gpt2", "llama", "qwen2", "qwen3")
Settings = dict[str, Any]

# name → (value where it is not written, the values that are read here)
COMMON = {"quantization_config": (None, (None,)), "is_encoder_decoder": (False, (False,))}
GPT2 = COMMON | {
    "activation_function": ("gelu_new", ("gelu_new", "gelu_pytorch_tanh")),
    "scale_attn_weights": (True, (True,)),
    "scale_attn_by_inverse_layer_idx": (False, (False,)),
    "add_cross_attention": (False, (False,)),
}
LLAMA = COMMON | {
    "hidden_act": ("silu", ("silu", "swish")),
    "attention_bias": (False, (False,)),
    "mlp_bias": (False, (False,)),
    "use_sliding_window": (False, (False,)),
}


def from_settings(settings: Settings) -> GPTConfig | LlamaConfig:
    """Our config of a ``config.json``.

    Args:
        settings: The file's content.

    Raises:
        ValueError: If the model is of another family or brings code of its own, a number is missing or does
            not fit, or a setting asks for something that our models do not do; names every one.
    """
    if code := settings.get("auto_map"):
        named = ", ".join(map(str, code.values() if isinstance(code, dict) else [code]))
        raise ValueError(
            f"the folder brings Python code of its own (auto_map: {named}), which is never run here, and "
            "without it the numbers mean something else; take a model of a known family"
        )
    family = settings.get("model_type")
    if family not in FAMILIES:
        raise ValueError(f"model_type must be one of {', '.join(FAMILIES)} to be read here; got {family!r}")
    _refuse(settings, GPT2 if family == "gpt2" else LLAMA)
    try:
        return _gpt(settings) if family == "gpt2" else _llama(settings, family)
    except KeyError as e:
        raise ValueError(f"config.json of a {family} model must hold {e.args[0]}; it is missing") from None


def _refuse(settings: Settings, known: dict[str, tuple[Any, tuple[Any, ...]]]) -> None:
    found = {name: settings.get(name, usual) for name, (usual, _) in known.items()}
    wrong = [
        f"{name} must be {' or '.join(map(repr, known[name][1]))}; got {value!r}"
        for name, value in found.items()
        if value not in known[name][1]
    ]
    wrong += _unlike_full_attention(settings) + _unlike_plain_rope(settings)
    if wrong:
        raise ValueError("config.json asks for what our models do not do: " + "; ".join(wrong))


def _unlike_full_attention(settings: Settings) -> list[str]:
    kinds = sorted({*(settings.get("layer_types") or ()), "full_attention"})
    return [f"layer_types must be full_attention in every layer; got {kinds}"] if len(kinds) > 1 else []


def _rope(settings: Settings) -> Settings:
    """What is set about RoPE: transformers 5 keeps it in one place, older files in two."""
    old = {"rope_theta": settings["rope_theta"]} if settings.get("rope_theta") else {}
    return old | (settings.get("rope_scaling") or settings.get("rope_parameters") or {})


def _unlike_plain_rope(settings: Settings) -> list[str]:
    rope = _rope(settings)
    kind = rope.get("rope_type", rope.get("type", "default"))
    part = rope.get("partial_rotary_factor", settings.get("partial_rotary_factor", 1.0))
    wrong = [] if kind == "default" else [f"rope_type must be 'default' (no scaling); got {kind!r}"]
    return wrong + ([] if part in (None, 1) else [f"partial_rotary_factor must be 1; got {part!r}"])


def _gpt(s: Settings) -> GPTConfig:
    return GPTConfig(
        vocab_size=s["vocab_size"],
        context_length=s["n_positions"],
        d_model=s["n_embd"],
        n_heads=s["n_head"],
        n_layers=s["n_layer"],
        d_ff=s.get("n_inner") or 4 * s["n_embd"],
        dropout=float(s.get("resid_pdrop", 0.1)),
        norm_eps=float(s.get("layer_norm_epsilon", 1e-5)),
        tied=s.get("tie_word_embeddings", True),
    )


def _llama(s: Settings, family: str) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=s["vocab_size"],
        context_length=s["max_position_embeddings"],
        d_model=s["hidden_size"],
        n_heads=s["num_attention_heads"],
        n_kv_heads=s.get("num_key_value_heads") or s["num_attention_heads"],
        d_head=s.get("head_dim")
        or (128 if family == "qwen3" else s["hidden_size"] // s["num_attention_heads"]),
        n_layers=s["num_hidden_layers"],
        d_ff=s["intermediate_size"],
        rope_base=float(_rope(s).get("rope_theta") or 10_000),
        norm_eps=float(s["rms_norm_eps"]),
        tied=s.get("tie_word_embeddings", False),
        qkv_bias=family == "qwen2",
        qk_norm="weighted" if family == "qwen3" else "none",
    )


def to_settings(config: GPTConfig | LlamaConfig) -> Settings:
    """The ``config.json`` of one of our configs, for transformers.

    Args:
        config: The family follows from it: GPT-2; Llama; Qwen2 where queries, keys and values have biases;
            Qwen3 where queries and keys are normed.

    Returns:
        What describes the model; token ids and dtype aside. How weights were first drawn is not part of it.

    Raises:
        ValueError: If the config has an option that none of the four has; names every one.
    """
    wrong = _foreign_options(config)
    if wrong:
        raise ValueError(f"no model of {', '.join(FAMILIES)} has what this one has: " + "; ".join(wrong))
    return _gpt2_settings(config) if isinstance(config, GPTConfig) else _llama_settings(config)


def _foreign_options(c: GPTConfig | LlamaConfig) -> list[str]:
    if isinstance(c, GPTConfig):
        return [] if c.bias else ["bias must be True; got False"]
    options: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("activation", c.activation, ("swiglu",)),
        ("norm_weights", c.norm_weights, (True,)),
        ("qk_norm", c.qk_norm, ("none", "weighted")),
        ("logit_cap", c.logit_cap, (0.0,)),
    ]
    wrong = [f"{n} must be {' or '.join(map(repr, ok))}; got {v!r}" for n, v, ok in options if v not in ok]
    if c.qkv_bias and c.qk_norm != "none":
        wrong.append("qkv_bias (Qwen2) and qk_norm (Qwen3) must not both be set")
    if c.d_model % c.n_heads:
        wrong.append(f"n_heads must divide d_model for transformers; got {c.n_heads} and {c.d_model}")
    return wrong


def _gpt2_settings(c: GPTConfig) -> Settings:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": c.vocab_size,
        "n_positions": c.context_length,
        "n_embd": c.d_model,
        "n_layer": c.n_layers,
        "n_head": c.n_heads,
        "n_inner": c.d_ff,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": c.norm_eps,
        "resid_pdrop": c.dropout,
        "embd_pdrop": c.dropout,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": c.tied,
    }


def _llama_settings(c: LlamaConfig) -> Settings:
    family = "qwen2" if c.qkv_bias else "llama" if c.qk_norm == "none" else "qwen3"
    settings = {
        "architectures": [f"{family.capitalize()}ForCausalLM"],
        "model_type": family,
        "vocab_size": c.vocab_size,
        "hidden_size": c.d_model,
        "intermediate_size": c.d_ff,
        "num_hidden_layers": c.n_layers,
        "num_attention_heads": c.n_heads,
        "num_key_value_heads": c.n_kv_heads,
        "head_dim": c.d_head,
        "max_position_embeddings": c.context_length,
        "rope_theta": c.rope_base,
        "rms_norm_eps": c.norm_eps,
        "hidden_act": "silu",
        "tie_word_embeddings": c.tied,
    }
    biases = {"attention_bias": False} | ({"mlp_bias": False} if family == "llama" else {})
    return settings if family == "qwen2" else settings | biases
