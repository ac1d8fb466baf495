"""The sentences of the views: questions, answers, and what people say to each other, in both languages.

Words and punctuation stand apart, as in the grammars' templates; {names} are filled in. Leaves out: which
question is asked and what is true (`views`). The lessons on question answering and dialogue explain it.
"""

from __future__ import annotations

__all__ = ["CANARY", "PHRASES"]

#: A sentence that no story and no view tells, all in words of the stories.
CANARY = {"en": "{person} said {colours} .", "zh": "{person} 说 {colours} 。"}

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "where_thing": "Where is the {thing} ?",
        "where_person": "Where is {person} ?",
        "who_has": "Who has the {thing} ?",
        "colour": "What colour is the {thing} ?",
        "job": "Who is the {job} ?",
        "at_place": "It is {where} .",
        "person_at": "{person} is {where} .",
        "has": "{person} has it .",
        "holds": "{person} has it .",
        "nobody": "Nobody has it .",
        "lost": "It is lost .",
        "is_colour": "It is {colour} .",
        "is_job": "{person} is the {job} .",
        "unknown": "The story does not say .",
        "and_thing": "And the {thing} ?",
        "hello": "Hello . My name is {person} .",
        "hello_back": "Hello , {person} . What would you like to know ?",
        "my_name": "What is my name ?",
        "your_name": "Your name is {person} .",
        "thanks": "Thank you .",
        "welcome": "You are welcome , {person} .",
    },
    "zh": {
        "where_thing": "{thing} 在 哪里 ？",
        "where_person": "{person} 在 哪里 ？",
        "who_has": "谁 拿着 {thing} ？",
        "colour": "{thing} 是 什么 颜色 的 ？",
        "job": "谁 是 {job} ？",
        "at_place": "它 在 {where} 。",
        "person_at": "{person} 在 {where} 。",
        "has": "它 在 {person} 那里 。",
        "holds": "{person} 拿着 它 。",
        "nobody": "没有 人 拿着 它 。",
        "lost": "它 丢 了 。",
        "is_colour": "它 是 {colour} 的 。",
        "is_job": "{person} 是 {job} 。",
        "unknown": "故事 里 没 说 。",
        "and_thing": "那 {thing} 呢 ？",
        "hello": "你好 。 我 叫 {person} 。",
        "hello_back": "你好 ， {person} 。 你 想 知道 什么 ？",
        "my_name": "我 叫 什么 名字 ？",
        "your_name": "你 叫 {person} 。",
        "thanks": "谢谢 。",
        "welcome": "不客气 ， {person} 。",
    },
}
