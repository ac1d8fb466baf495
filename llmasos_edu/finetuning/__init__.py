"""Finetuning: a model that speaks learns a task, by the loop that taught it to speak.

Teaches: only three things differ from pretraining: which tokens count (`conversation`: the answers), which
parameters move (all, a part, an adapter's), and what keeps the old skill alive (`with_replay`). The batches
are `batches.Documents`, the loop is `training.train`; `examples_apart` lets packed rows hold several examples
that never see each other; `answers` asks the result. Leaves out: preferences and rewards. Explained in
lesson 09.
"""

from .answering import answers, answers_to, last_answers, replies
from .apart import examples_apart
from .conversations import CHAT_TEMPLATE, conversation, prompt, recent
from .files import read_conversations
from .mixing import with_replay
from .moving import PARTS, freeze, trained
from .recipes import OWN, RECIPES, Practice, lasting, lessons_of
from .templates import Template, by_template

__all__ = [
    "CHAT_TEMPLATE",
    "OWN",
    "PARTS",
    "RECIPES",
    "Practice",
    "Template",
    "answers",
    "answers_to",
    "by_template",
    "conversation",
    "examples_apart",
    "freeze",
    "last_answers",
    "lasting",
    "lessons_of",
    "prompt",
    "read_conversations",
    "recent",
    "replies",
    "trained",
    "with_replay",
]
