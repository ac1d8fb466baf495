"""Files restore everything, damaged ones say where; Hugging Face's own tokenizers gives the same ids."""

import json
import random
import re
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer, Qwen2Tokenizer

from llmasos_edu import real_llm
from llmasos_edu.tokenizer import (
    DIGITS_PATTERN,
    GPT2_PATTERN,
    GPT4_PATTERN,
    HF_BYTE_ORDER,
    Tokenizer,
    pattern_of_words,
)

PROSE = Path(re.__file__).read_text() + "大型语言模型预测下一个词。 🙂🪁 1234 km²\n" * 3
TEXTS = [
    PROSE, "", " ", "  leading and trailing  ", "def f(x):\n\treturn x**2  # 平方\r\n",
    "12 345, 6.7e-8 Ⅷ ½  9",
    "风筝在天空里。她的红色风筝！", "🙂👩‍👩‍👧‍👦🇨🇳 e\u0301", "I'll don't 'S you've\u00a0x\u3000y\n\n \n z",
]  # fmt: skip
PATTERNS = {
    "none": None, "gpt2": GPT2_PATTERN, "gpt4": GPT4_PATTERN, "digits": DIGITS_PATTERN,
    "words": pattern_of_words([" kite", "风筝", "红色", ".", " New York", "Mia"]),
}  # fmt: skip


@pytest.fixture(scope="module", params=PATTERNS)
def tok(request):
    text = PROSE[:6000]
    return Tokenizer.train(text, 400, pattern=PATTERNS[request.param], special_tokens=["<|end|>", "\n!"])


@pytest.mark.filterwarnings("ignore:stopped after")
def test_own_file_restores_everything(tok, tmp_path):
    tok.save(tmp_path / "tok.txt")
    again = Tokenizer.load(tmp_path / "tok.txt")
    assert again._parts() == tok._parts()
    assert all(again.encode(text, special="allow") == tok.encode(text, special="allow") for text in TEXTS)
    assert (tmp_path / "tok.txt").read_text(encoding="utf-8").isprintable() is False  # lines, else printable


def test_own_file_is_for_human_eyes(tmp_path):
    Tokenizer.train(["风筝 kite"] * 2, 264, special_tokens=["<|end|>"]).save(tmp_path / "t")
    lines = (tmp_path / "t").read_text(encoding="utf-8").splitlines()
    assert 'token 97 "a"' in lines
    assert 'token 228 x"e4"' in lines
    assert any(line.startswith('merge 256 x"') for line in lines)
    assert 'special 263 "<|end|>"' in lines
    assert lines[-1] == "end 263 tokens, 7 merges, 1 special"


DAMAGE = [
    ("llmasos-edu", "other", r"t, line 1 must be 'llmasos-edu tokenizer 1'"),
    ('token 97 "a"', "token 97 a", r"line \d+ must be token, an id and 1 quoted; got 'token 97 a'"),
    ('token 97 "a"', "", r"line \d+ must be 'end 256 tokens.*lines are missing or added"),
    ('token 97 "a"', 'token 98 "a"', r"ids must be unique and not negative; b'b' has 98"),
    ('merge 256 "a" "b"', 'merge 256 "a" "q" "b"', r"line \d+ must be merge, an id and 2 quoted"),
    ('merge 256 "a" "b"', 'mirge 256 "a" "b"', r"line \d+ must begin with pattern, normalization, token"),
    ('x"80"', 'x"8"', r"line \d+ .*hex"),
    ("pattern ", "pattern [1]#", r"line \d+ "),
    ("end 257 tokens, 1 merges, 0 special\n", "", r"line \d+ must be the end line; the file is cut off"),
]


@pytest.mark.parametrize(("old", "new", "message"), DAMAGE)
def test_a_damaged_file_says_where_and_why(tmp_path, old, new, message):
    path = tmp_path / "t"
    Tokenizer.train("ab", 257).save(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Tokenizer.load(path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "t"
    Tokenizer.train("abcab", None, special_tokens=["<|end|>"]).save(path)
    whole = path.read_bytes()
    for cut in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"t, line \d+ "):
            Tokenizer.load(path)


def test_hugging_face_reads_what_we_write(tok, tmp_path):
    tok.to_hugging_face(tmp_path)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in [*TEXTS, "a<|end|>b\n!c"]:
        assert theirs.encode(text).ids == tok.encode(text, special="allow")
        assert theirs.decode(theirs.encode(text).ids, skip_special_tokens=False) == text
    assert Tokenizer.from_hugging_face(tmp_path)._parts() == tok._parts()


@pytest.mark.parametrize("vocab_size", [300, 700])
def test_trained_merges_equal_hugging_face(vocab_size, tmp_path):
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    theirs.train_from_iterator([PROSE], trainer)
    theirs.save(str(tmp_path / "tokenizer.json"))
    ours = Tokenizer.train(PROSE, vocab_size, ties="smaller_ids", byte_order=HF_BYTE_ORDER)
    loaded = Tokenizer.from_hugging_face(tmp_path)
    assert ours.merges == loaded.merges
    assert ours.vocab == loaded.vocab


REFUSED = [
    (("normalizer",), {"type": "NFKC"}, "normalizer must be None or .*; got {'type': 'NFKC'}"),
    (
        ("post_processor",),
        {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}}]},
        "post_processor must be None or 'ByteLevel' to be read here; got 'TemplateProcessing'",
    ),
    (("model", "type"), "WordPiece", "model.type must be 'BPE'"),
    (("model", "type"), "Unigram", r"model.type must be 'BPE' .* got 'Unigram' \(Unigram: SentencePiece"),
    (("model", "byte_fallback"), True, r"byte_fallback must be False .* got True \(SentencePiece, as Llama"),
    (("model", "ignore_merges"), True, r"ignore_merges must be False .* got True \(as Llama 3 has it"),
    (("model", "end_of_word_suffix"), "</w>", "end_of_word_suffix"),
    (("pre_tokenizer",), {"type": "Whitespace"}, "pre_tokenizer must be ByteLevel"),
    (("added_tokens", 0, "lstrip"), True, r"lstrip of '<\|end\|>'"),
    (("model", "vocab", "a b"), 999, "'a b' holds ' '"),
    (("model", "merges"), [["q", "zz"]], "lacks b'zz'"),
    (("model",), None, "must be a tokenizer.json of a BPE model"),
]


@pytest.mark.parametrize(("keys", "value", "message"), REFUSED)
def test_what_we_would_do_differently_is_refused(tmp_path, keys, value, message):
    path = tmp_path / "tokenizer.json"
    Tokenizer.train("ab", 258, special_tokens=["<|end|>"]).to_hugging_face(path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    place = whole
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_hugging_face(path)


@pytest.mark.parametrize("kind", [GPT2Tokenizer, Qwen2Tokenizer])
def test_the_tokenizers_of_gpt2_and_qwen(kind, tmp_path):
    """As transformers writes them, on little vocabularies; Qwen's composes characters (NFC) first."""
    learned = Tokenizer.train(PROSE + " é 風箏", 600, byte_order=HF_BYTE_ORDER)
    learned.to_hugging_face(tmp_path)
    model = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    vocab = model["vocab"] | {"<|endoftext|>": len(model["vocab"])}
    theirs = kind(vocab=vocab, merges=[tuple(m) for m in model["merges"]])
    theirs.save_pretrained(tmp_path)
    ours = Tokenizer.from_hugging_face(tmp_path)
    for text in [*TEXTS, "Ame\u0301lie, 12 e\u0301", "a<|endoftext|>\u0301b", "\uf9d1 가 IT'S"]:
        ids = theirs(text).input_ids
        assert ours.encode(text, special="allow") == ids
        assert ours.decode(ids) == theirs.decode(ids, clean_up_tokenization_spaces=False)
    ours.save(tmp_path / "t")
    assert Tokenizer.load(tmp_path / "t")._parts() == ours._parts()
    if ours.normalization:
        with pytest.raises(ValueError, match="reads a text whole"):
            next(ours.encode_iterable(["a"]))


def test_a_torn_json_says_the_line(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{\n"model": ')
    with pytest.raises(ValueError, match=r"tokenizer.json, line 2 must be JSON"):
        Tokenizer.from_hugging_face(tmp_path)


@pytest.fixture(scope="module")
def real():
    if not real_llm.present():
        pytest.skip(real_llm.MISSING_NOTE)
    folder = real_llm.folder()
    return Tokenizer.from_hugging_face(folder), tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.real_llm
def test_the_real_llms_tokenizer(real):
    ours, theirs = real
    rng = random.Random(0)
    scrambled = [
        "".join(rng.choices("aB1 2\n\t '.s们大é🙂  ll\u0301\u00a0\u3000-_9²Ⅷ½", k=25)) for _ in range(500)
    ]
    for text in [*TEXTS, *scrambled]:
        assert ours.encode(text) == theirs.encode(text).ids
    assert ours.vocab_size == theirs.get_vocab_size() == 49_152
    chat = "<|im_start|>user\nhi<|im_end|>"
    assert ours.encode(chat, special="allow") == theirs.encode(chat).ids


@pytest.mark.real_llm
def test_the_real_llms_tokenizer_on_invalid_utf8(real):
    ours, theirs = real
    rng = random.Random(1)
    for _ in range(500):
        ids = rng.choices(range(ours.vocab_size), k=6)  # random tokens cut characters in the middle
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


@pytest.mark.real_llm
def test_bytes_that_the_real_llm_lacks_are_told_not_dropped(real):
    ours, theirs = real
    assert theirs.decode(theirs.encode("a\x04b").ids) == "ab"  # silently lost
    with pytest.raises(ValueError, match="lacks 0x04"):
        ours.encode("a\x04b")


@pytest.mark.real_llm
def test_the_real_llms_tokenizer_through_our_file(real, tmp_path):
    real[0].save(tmp_path / "t")
    assert Tokenizer.load(tmp_path / "t")._parts() == real[0]._parts()
