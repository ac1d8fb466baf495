"""Tiny Shakespeare: verified or not there, from a server of our own, and its standard split."""

import errno
import hashlib
import http.server
import threading

import pytest
from typer.testing import CliRunner

from llmasos_edu import corpora
from llmasos_edu.cli import app
from llmasos_edu.corpora import shakespeare as module
from llmasos_edu.files import FetchError

TEXT = "First Citizen:\nSpeak.\n" * 10


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, and a short text in place of the long one."""
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(TEXT.encode()).hexdigest())
    (tmp_path / "input.txt").write_text(TEXT)
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine; what it answers can be set."""

    class Handler(http.server.BaseHTTPRequestHandler):
        body, status = TEXT.encode(), 200

        def do_GET(self):
            self.send_response(Handler.status)
            self.send_header("Content-Length", str(len(TEXT)))
            self.end_headers()
            self.wfile.write(Handler.body)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(module, "URL", f"http://127.0.0.1:{made.server_port}/input.txt")
        yield Handler
        made.shutdown()
        thread.join()


def left_in(folder):
    return sorted(f.name for f in folder.iterdir()) if folder.exists() else []


def fetch(*arguments):
    return CliRunner().invoke(app, ["fetch", "tinyshakespeare", *map(str, arguments)])


def test_it_is_downloaded_once(cache, server):
    result = fetch()
    assert result.exit_code == 0, result.output
    assert result.output == f"Tiny Shakespeare is here: {cache / 'tinyshakespeare.txt'}\n"
    server.status = 404
    assert fetch().exit_code == 0  # it is here: nobody is asked
    assert "".join(corpora.tinyshakespeare()) == TEXT
    assert left_in(cache) == ["tinyshakespeare.txt"]


def test_from_a_file_and_damage_is_mended(cache, tmp_path):
    assert fetch("--from-file", tmp_path / "input.txt").exit_code == 0
    place = corpora.tinyshakespeare_place()
    place.write_text("damaged")
    with pytest.raises(ValueError, match="must have SHA-256"):
        corpora.tinyshakespeare()
    assert corpora.fetch_tinyshakespeare(tmp_path / "input.txt").read_text() == TEXT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 404}, "404"),
        ({"body": TEXT.encode()[:-1] + b"!"}, "wrong checksum, so the file was not used"),
        ({"body": TEXT.encode()[:50]}, "wrong checksum"),
    ],
)
def test_a_wrong_answer_leaves_nothing(cache, server, change, said):
    for name, value in change.items():
        setattr(server, name, value)
    result = fetch()
    assert result.exit_code == 1
    assert said in result.output
    assert left_in(cache) == []


def test_offline_says_what_to_do(cache, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "URL", "http://127.0.0.1:9/input.txt")  # nobody listens there
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    result = fetch()
    assert result.exit_code == 1
    assert "could not be had" in result.output
    assert "--from-file input.txt" in result.output
    assert "could not be read: No such file" in fetch("--from-file", tmp_path / "gone.txt").output
    with pytest.raises(corpora.TinyShakespeareMissing, match="llmasos-edu fetch tinyshakespeare"):
        corpora.tinyshakespeare()
    assert not cache.exists()


def test_a_full_disk_leaves_nothing(cache, monkeypatch, tmp_path):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "verify", full)
    with pytest.raises(FetchError, match=r"No space left on device\. It takes 1,115,394 bytes"):
        corpora.fetch_tinyshakespeare(tmp_path / "input.txt")
    assert left_in(cache) == []


def test_the_standard_split_is_nine_tenths_rounded_down(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a" * 1_003_854 + "b" * 111_540)  # the published sizes of the text
    train, validation = corpora.tinyshakespeare(path)
    assert (set(train), set(validation)) == ({"a"}, {"b"})
    assert len(train) + len(validation) == module.SIZE
