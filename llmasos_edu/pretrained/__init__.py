"""Hugging Face folders in and out of our models: GPT-2, Llama, Qwen2, Qwen3.

Teaches: an open model is three things in a folder. Settings (`settings`), named tensors (`names`,
`reading`), a tokenizer; a chat model has a template too (`chatting`), and what it learnt later can lie in a
folder of its own (`adapters`). Whoever computes the same from the same numbers has the same model, so ours
and transformers' are tested to be equal, logit by logit.

Leaves out: other families, quantised weights, stretched RoPE, sliding windows; each is refused by name.
Source: transformers 5, whose models are the reference of every test. Explained in lessons 08 and 10.
"""

from llmasos_edu.pretrained.adapters import export_adapter, load_adapter
from llmasos_edu.pretrained.chatting import chat, chat_template
from llmasos_edu.pretrained.exporting import export
from llmasos_edu.pretrained.loading import load, load_model, load_tokenizer

__all__ = [
    "chat", "chat_template", "export", "export_adapter", "load", "load_adapter", "load_model",
    "load_tokenizer",
]  # fmt: skip
