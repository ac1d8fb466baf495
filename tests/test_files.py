import pytest

from llmasos_edu.files import atomic_folder, atomic_write, cache_dir, sha256_of, state_dir, verify


def test_atomic_write_replaces_only_when_complete(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    with atomic_write(path) as f:
        f.write("one\n")
    with pytest.raises(RuntimeError, match="stop"), atomic_write(path) as f:
        f.write("half")
        raise RuntimeError("stop")
    assert path.read_bytes() == b"one\n"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_atomic_folder_replaces_only_when_complete(tmp_path):
    path = tmp_path / "model"
    with atomic_folder(path) as f:
        (f / "x").write_text("1")
    with pytest.raises(RuntimeError, match="stop"), atomic_folder(path) as f:
        raise RuntimeError("stop")
    assert (path / "x").read_text() == "1"
    with atomic_folder(path) as f:
        (f / "y").write_text("2")
    assert [p.name for p in path.iterdir()] == ["y"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_checksum(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == digest
    verify(path, digest)
    with pytest.raises(ValueError, match=r"a must have SHA-256 0000.*; got ba78"):
        verify(path, "0" * 64)


def test_folders_move_by_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "c"))
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path / "s"))
    assert cache_dir() == tmp_path / "c"
    assert state_dir() == tmp_path / "s"
    assert not cache_dir().exists()


def test_unknown_mode(tmp_path):
    with pytest.raises(ValueError, match='must be "w" or "wb"; got \'a\''), atomic_write(tmp_path / "x", "a"):
        pass
