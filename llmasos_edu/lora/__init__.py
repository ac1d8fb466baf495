"""LoRA: a frozen matrix, and beside it a small product of two that learns.

layers     one linear layer with its adapters
places     which layers can have one, and which parts of stacked ones
adapters   on a whole model: added, switched, merged, taken away
files      an adapter on the disk, as peft writes it
saving     from a model to the disk and back, the base compared

Teaches: finetuning moves a matrix little, and that little fits into B·A of low rank. Leaves out: embeddings,
convolutions, and the other adapters of peft. Source: Hu et al. 2021, "LoRA". Explained in lesson 09.
"""

from llmasos_edu.lora.adapters import (
    adapters_in_use,
    add_lora,
    drop_lora,
    lora_pairs,
    lora_parameters,
    merge,
    refuse_merged,
    unmerge,
    using,
)
from llmasos_edu.lora.files import Saved, read_adapter, read_base, write_adapter
from llmasos_edu.lora.layers import LoraConfig, LoraLinear
from llmasos_edu.lora.places import Rows, lora_places
from llmasos_edu.lora.saving import fingerprint, load_adapter, put_adapter, save_adapter

__all__ = [
    "LoraConfig",
    "LoraLinear",
    "Rows",
    "Saved",
    "adapters_in_use",
    "add_lora",
    "drop_lora",
    "fingerprint",
    "load_adapter",
    "lora_pairs",
    "lora_parameters",
    "lora_places",
    "merge",
    "put_adapter",
    "read_adapter",
    "read_base",
    "refuse_merged",
    "save_adapter",
    "unmerge",
    "using",
    "write_adapter",
]
