"""LoRA: a frozen matrix, and beside it a small product of two that learns.

Teaches: finetuning moves a matrix little, and that little fits into B·A of low rank. Leaves out: embeddings,
convolutions, and the other adapters of peft. Source: Hu et al. 2021, "LoRA". Explained in lesson 09.
"""

from llmasos_edu.lora.adapters import add_lora, drop_lora, lora_pairs, lora_parameters, merge, unmerge, using
from llmasos_edu.lora.layers import LoraConfig, LoraLinear
from llmasos_edu.lora.saving import fingerprint, load_adapter, save_adapter

__all__ = [
    "LoraConfig",
    "LoraLinear",
    "add_lora",
    "drop_lora",
    "fingerprint",
    "load_adapter",
    "lora_pairs",
    "lora_parameters",
    "merge",
    "save_adapter",
    "unmerge",
    "using",
]
