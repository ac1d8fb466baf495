"""The numbers and options that make a decoder of the Llama family, and the models that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..config import Config, setting

__all__ = ["PRESETS", "LlamaConfig"]


@dataclass(frozen=True)
class LlamaConfig(Config):
    """The numbers and options that make a decoder of the Llama family.

    Raises:
        ValueError: If n_kv_heads does not divide n_heads, d_head is odd, or a number is out of bounds.

    Example:
        >>> LlamaConfig.preset("smollm2").d_head
        64
    """

    vocab_size: int = setting(512, "different tokens", "tokens", least=1)
    context_length: int = setting(256, "the longest row the model can read", "tokens", least=1)
    d_model: int = setting(128, "width of the stream at each position", "numbers", least=1)
    n_heads: int = setting(4, "heads of queries", "heads", least=1)
    n_kv_heads: int = setting(4, "heads of keys and values; must divide n_heads", "heads", least=1)
    n_layers: int = setting(4, "blocks, one after another", "layers", least=1)
    d_head: int = setting(
        32, "numbers in a query or key; n_heads × d_head need not be d_model", "numbers", least=2
    )
    d_ff: int = setting(384, "width inside the feed-forward part", "numbers", least=1)
    rope_base: float = setting(
        10_000.0, "RoPE: the slowest pair turns once in about 2π × base tokens", least=1
    )
    norm_eps: float = setting(1e-5, "added to the mean square in a norm", least=0)
    tied: bool = setting(True, "the head is the embedding")
    qkv_bias: bool = setting(False, "biases on queries, keys and values (Qwen2)")
    qk_norm: Literal["none", "weighted", "plain"] = setting(
        "none", "RMSNorm on each query and key: with weights over d_head (Qwen3), or without any"
    )
    norm_weights: bool = setting(True, "norms have weights")
    activation: Literal["swiglu", "relu2"] = setting("swiglu", "of the feed-forward part")
    zero_projections: bool = setting(False, "what is added to the stream, and an untied head, start at zero")
    logit_cap: float = setting(0.0, "logits are bent to stay within ± this; 0 means free", least=0)
    init_std: float = setting(0.02, "standard deviation of the first matrices", least=0)
    embedding_std: float = setting(0.02, "standard deviation of the first embedding", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_kv_heads must divide n_heads; got n_heads={self.n_heads}, n_kv_heads={self.n_kv_heads}"
            )
        if self.d_head % 2:
            raise ValueError(f"d_head must be even, RoPE turns pairs; got {self.d_head}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> LlamaConfig:
        """A model by name, with changes.

        Args:
            name: "tinyworld" (a plain small Llama) or "smollm2" (SmolLM2-135M).
            **changes: Fields to set otherwise.

        Returns:
            The config.

        Raises:
            ValueError: If there is no such preset or field.
        """
        if name not in PRESETS:
            raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
        return PRESETS[name].replace(**changes)


PRESETS = {
    "tinyworld": LlamaConfig(),
    "smollm2": LlamaConfig(
        vocab_size=49_152, context_length=8192, d_model=576, n_heads=9, n_kv_heads=3, n_layers=30, d_head=64,
        d_ff=1536, rope_base=100_000.0,
    ),
}  # fmt: skip
