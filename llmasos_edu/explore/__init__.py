"""Look inside any model: `explore(model, tokenizer, text)` puts it behind the Attention Explorer.

words          a text's tokens, and each as text
decoders       a pass through a model of ours           lessons 04, 08
hugging_face   a pass through a model of transformers   lesson 08
caught         what a pass leaves behind
source         all of these as one function: text in, `Reading` out
exploring      the Explorer with that function behind it
"""

from llmasos_edu.explore.exploring import explore
from llmasos_edu.explore.source import Source

__all__ = ["Source", "explore"]
