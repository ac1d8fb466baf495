"""Small Hugging Face folders for tests: each model family with numbers that no mistake survives.

Default weights hide mistakes (norms are 1, biases 0, logits near 0), and default settings hide forgotten
ones. Here every tensor is drawn wide, and sizes differ from each other wherever they can.
"""

import torch
import transformers
from transformers import GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config

GPT2 = {"vocab_size": 61, "n_positions": 24, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 80}
GPT2 |= {"layer_norm_epsilon": 0.01, "bos_token_id": None, "eos_token_id": None}
LLAMA = {"vocab_size": 61, "max_position_embeddings": 24, "hidden_size": 32, "num_hidden_layers": 2}
LLAMA |= {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 80, "rms_norm_eps": 0.01}
LLAMA |= {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0}}

FAMILIES = {
    "gpt2": GPT2Config(**GPT2),
    "gpt2 untied": GPT2Config(**GPT2, tie_word_embeddings=False),
    "llama": LlamaConfig(**LLAMA | {"num_key_value_heads": 4}, tie_word_embeddings=True),
    "llama grouped untied": LlamaConfig(**LLAMA, head_dim=12, tie_word_embeddings=False),
    "qwen2": Qwen2Config(**LLAMA, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**LLAMA, head_dim=12, tie_word_embeddings=False),
}


def reference(family: str) -> torch.nn.Module:
    """transformers' model of a family, in float32, without dropout."""
    config = FAMILIES[family]
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            is_norm = name.endswith("weight") and weight.ndim == 1
            weight.normal_(1.0 if is_norm else 0.0, 0.3, generator=generator)
    return model


def some_ids(rows: int = 2, length: int = 20) -> torch.Tensor:
    """Random ids (rows, length) below 61."""
    return torch.randint(0, 61, (rows, length), generator=torch.Generator().manual_seed(1))
