"""Chat templates: the same text as transformers' apply_chat_template."""

import json

import pytest
from transformers import AutoTokenizer

from llmasos_edu import pretrained, real_llm
from llmasos_edu.tokenizer import Tokenizer

MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "  风筝 & <b>kite</b>?\n"},
    {"role": "assistant", "content": "A kite {{ flies }}."},
    {"role": "user", "content": "Why?"},
]
TEMPLATES = {
    "marks": "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim }}{{ eos_token }}\n"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}",
    "lines": "  {%- for m in messages %}\n    "
    "{% if loop.last %}\n{{ m.content }}\n    {% endif %}\n{% endfor %}",
    "json, break, settings": "{% for m in messages %}{% if loop.index > 2 %}{% break %}{% endif %}"
    "{{ m | tojson }}{% endfor %}{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}",
    "namespace": "{% set n = namespace(seen=0) %}{% for m in messages %}{% set n.seen = n.seen + 1 %}"
    "{% endfor %}{{ n.seen }}{% if tools %}tools{% endif %}{{ messages[::-1][0].content }}",
}


@pytest.fixture
def folder(tmp_path):
    Tokenizer.train("abc", 259, special_tokens=["<s>", "</s>"]).to_hugging_face(tmp_path)
    return tmp_path


def describe(folder, **settings):
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"} | settings
        )
    )
    return folder


@pytest.mark.parametrize("prompt", [True, False])
@pytest.mark.parametrize("name", TEMPLATES)
def test_equals_transformers(folder, name, prompt):
    describe(folder, chat_template=TEMPLATES[name])
    theirs = AutoTokenizer.from_pretrained(folder)
    for settings in ({}, {"enable_thinking": False}):
        expected = theirs.apply_chat_template(
            MESSAGES, tokenize=False, add_generation_prompt=prompt, **settings
        )
        assert pretrained.chat(folder, MESSAGES, add_generation_prompt=prompt, **settings) == expected


def test_a_template_in_a_file_of_its_own(folder):
    describe(folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert pretrained.chat(folder, MESSAGES) == "Be kind."
    (folder / "chat_template.jinja").unlink()
    describe(
        folder, chat_template=[{"name": "default", "template": "one"}, {"name": "rag", "template": "two"}]
    )
    assert pretrained.chat(folder, MESSAGES) == "one"


def test_refusals(folder):
    with pytest.raises(ValueError, match="has no chat template"):
        pretrained.chat(describe(folder), MESSAGES)
    describe(folder, chat_template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(ValueError, match="refuses these messages: roles must alternate"):
        pretrained.chat(folder, MESSAGES)
    describe(folder, chat_template="{{ messages.__class__.__mro__ }}")
    with pytest.raises(ValueError, match="refuses"):  # the sandbox
        pretrained.chat(folder, MESSAGES)
    with pytest.raises(ValueError, match=r"message 0 must have a role and a content; got .*hi"):
        pretrained.chat(folder, [{"content": "hi"}])


@pytest.mark.real_llm
def test_the_real_llm():
    theirs = AutoTokenizer.from_pretrained(real_llm.folder())
    for messages in (MESSAGES, MESSAGES[1:]):  # without a system message it writes its own
        text = pretrained.chat(real_llm.folder(), messages)
        assert text == theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
        assert pretrained.load_tokenizer(real_llm.folder()).encode(text, special="allow") == ids
