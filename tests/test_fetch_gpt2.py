"""GPT-2 from a hub of our own on this machine: complete and verified, or not there; cut off, it goes on."""

import errno
import hashlib
import http.server
import shutil
import threading

import pytest
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from typer.testing import CliRunner

from llmasos_edu.cli import app
from llmasos_edu.files import FetchError, sha256_of
from llmasos_edu.real_llm import gpt2
from tests.hugging_face_folders import FAMILIES, reference


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A tiny GPT-2 with the files of the large one."""
    folder = tmp_path_factory.mktemp("repository")
    model = reference("gpt2")
    FAMILIES["gpt2"].save_pretrained(folder)
    (folder / "generation_config.json").write_text('{"bos_token_id": 3}')
    letters = [chr(i) for i in range(ord("A"), ord("z") + 1)]  # 58, and Ġ, which is GPT-2's space
    bpe = models.BPE({c: i for i, c in enumerate(["<|endoftext|>", "Ġ", *letters])}, [])
    Tokenizer(bpe).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 24}')
    tensors = {k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture
def cache(monkeypatch, tmp_path, repository):
    """An empty cache, and the tiny model's sizes and checksums in place of the large one's."""
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    sums = {n: ((repository / n).stat().st_size, sha256_of(repository / n)) for n in gpt2.FILES}
    monkeypatch.setattr(gpt2, "FILES", sums)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch, repository, tmp_path):
    """A mirror that `HF_ENDPOINT` names. `files` is what it serves, `asked` what it was asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        files, cut, ranges, asked = tmp_path / "served", {}, True, []

        def do_GET(self):
            *_, name = self.path.split("/")
            Handler.asked.append((self.path, self.headers["Range"]))
            if not (Handler.files / name).exists():
                return self.send_error(404)
            body, start = (Handler.files / name).read_bytes(), 0
            if Handler.ranges and self.headers["Range"]:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            return self.wfile.write(body[start : Handler.cut.get(name)])  # then the connection ends

        def log_message(self, *args):
            pass

    shutil.copytree(repository, Handler.files)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{made.server_port}/")
        yield Handler
        made.shutdown()
        thread.join()


def left_in(folder):
    return sorted(f.name for f in folder.iterdir()) if folder.exists() else []


def fetch(*arguments):
    return CliRunner().invoke(app, ["fetch", "gpt2", *map(str, arguments)])


def test_it_is_downloaded_once_and_runs(cache, hub, repository):
    result = fetch()
    assert result.exit_code == 0, result.output
    assert f"GPT-2 is ready: {cache / 'gpt2'}" in result.output
    assert left_in(cache) == ["gpt2"]
    assert left_in(cache / "gpt2") == sorted(gpt2.FILES)
    path = f"/openai-community/gpt2/resolve/{gpt2.REVISION}/config.json"
    assert (path, None) in hub.asked
    hub.asked.clear()
    assert "GPT-2 is here" in fetch().output
    assert "GPT-2 is here" in fetch("--verify").output
    assert hub.asked == []  # nobody was asked again
    theirs = transformers.AutoModelForCausalLM.from_pretrained(cache / "gpt2").state_dict()
    assert all(theirs[name].equal(tensor) for name, tensor in reference("gpt2").state_dict().items())


def test_the_articles_lines_run_as_they_stand(cache, repository, monkeypatch):
    gpt2.fetch(repository, progress=False)
    monkeypatch.chdir(cache)  # as lesson 10 does: a folder of that name is here
    generator = transformers.pipeline("text-generation", model="gpt2")
    output = generator("The world is", max_length=20)
    assert output[0]["generated_text"].startswith("The world is")


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no-ranges"])
def test_what_was_cut_off_goes_on(cache, hub, ranges):
    hub.cut, hub.ranges = {"model.safetensors": 1000}, ranges
    result = fetch()
    assert result.exit_code == 1
    assert "the connection was cut after 1,000 of" in result.output
    assert not gpt2.present()
    hub.cut = {}
    hub.asked.clear()
    assert fetch().exit_code == 0
    (asked,) = hub.asked  # the small files are here: only the rest of the large one was asked for
    assert asked[1] == "bytes=1000-"
    assert gpt2.intact()
    assert left_in(cache) == ["gpt2"]


def test_a_wrong_file_is_not_used_and_not_kept(cache, hub, repository):
    weights = repository / "model.safetensors"
    (hub.files / weights.name).write_bytes(weights.read_bytes()[:-1] + b"!")
    result = fetch()
    assert result.exit_code == 1
    assert "wrong checksum, so the file was not used: model.safetensors must have SHA-256" in result.output
    assert not gpt2.present()
    shutil.copy(weights, hub.files)
    assert fetch().exit_code == 0


def test_a_damaged_folder_is_replaced(cache, hub, repository):
    fetch()
    weights = cache / "gpt2" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert "is here" in fetch().output  # its size is right
    assert "is ready" in fetch("--verify").output
    assert gpt2.intact()


def test_pickles_are_refused(cache, hub, tmp_path):
    pickle = hub.files / "pytorch_model.bin"
    (hub.files / "model.safetensors").rename(pickle)
    result = fetch()
    assert result.exit_code == 1
    assert "answers 404" in result.output
    assert "Only safetensors are taken" in result.output
    assert not any("pytorch_model" in path for path, _ in hub.asked)
    result = fetch("--from-folder", hub.files)
    assert "has pytorch_model.bin but no model.safetensors. A pickle can run any code" in result.output
    assert not gpt2.present()


def test_a_folder_that_somebody_brought(cache, repository, tmp_path):
    assert "is ready" in fetch("--from-folder", repository).output
    assert left_in(repository) == sorted(gpt2.FILES)  # it is not ours to move
    shutil.rmtree(cache)
    cached = tmp_path / "models--openai-community--gpt2"
    shutil.copytree(repository, cached / "snapshots" / gpt2.REVISION)
    assert "is ready" in fetch("--from-folder", cached).output
    shutil.rmtree(cache)
    assert "lacks config.json" in fetch("--from-folder", tmp_path / "nowhere").output
    (cached / "snapshots" / gpt2.REVISION / "config.json").write_text("{}")
    assert "wrong checksum" in fetch("--from-folder", cached).output
    assert left_in(cache) == []
    assert (cached / "snapshots" / gpt2.REVISION / "config.json").exists()  # the reader's file stays


def test_offline_says_what_to_do(cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    result = fetch()
    assert result.exit_code == 1
    assert "could not be had from http://127.0.0.1:9/openai-community/gpt2" in result.output
    assert "llmasos-edu fetch gpt2 --from-folder FOLDER" in result.output
    monkeypatch.setenv("HF_ENDPOINT", "mirror.example")
    assert "HF_ENDPOINT must be an address such as https://huggingface.co" in fetch().output
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE is set, so nothing was fetched" in fetch().output


def test_a_full_disk(cache, hub, monkeypatch):
    free = shutil._ntuple_diskusage(10**9, 10**9, 0)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda path: free)
        with pytest.raises(
            FetchError, match=r"disk is full \(0 MB are free\): GPT-2 takes .*LLMASOS_EDU_CACHE"
        ):
            gpt2.fetch(progress=False)
    assert hub.asked == []

    def full(answer, name):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gpt2, "_read", full)
    with pytest.raises(FetchError, match="the disk is full"):
        gpt2.fetch(progress=False)
    assert left_in(cache) == []


def test_an_interrupt_says_that_it_goes_on(cache, hub, monkeypatch):
    def interrupt(answer, name):
        raise KeyboardInterrupt

    monkeypatch.setattr(gpt2, "_read", interrupt)
    result = fetch()
    assert result.exit_code == 130
    assert "run it again" in result.output
    assert "Nothing was left" not in result.output


def test_options_of_other_things_are_refused(cache):
    assert fetch("--from-file", "a.whl").exit_code == 2
    result = CliRunner().invoke(app, ["fetch", "smollm2", "--from-folder", "a"])
    assert result.exit_code == 2


def test_the_files_that_are_known():
    """The shortest file can stand here as text; of the others we know what was published."""
    text = b'{"model_max_length": 1024}'
    assert gpt2.FILES["tokenizer_config.json"] == (len(text), hashlib.sha256(text).hexdigest())
    assert gpt2.FILES["model.safetensors"][0] == 548_105_171
    assert all(len(sha) == 64 for _, sha in gpt2.FILES.values())
