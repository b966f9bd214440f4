"""Files that are written whole, and what is no file to be replaced."""

import os
import threading

import pytest

from trtlab.core.errors import UsageError
from trtlab.report.atomic_write import write_atomically


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    assert write_atomically(str(path), b"new") == path
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "name", ["", ".", "folder", "missing/a.json", "file/a.json", "x" * 300]
)
def test_what_cannot_be_a_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UsageError, match="cannot write"):
        write_atomically(name, b"new")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="needs POSIX links")
def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    path, link = tmp_path / "there" / "a.json", tmp_path / "link"
    link.symlink_to(path)
    for data in (b"first", b"second"):
        assert write_atomically(link, data) == link
        assert path.read_bytes() == data
        assert link.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX pipes")
def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"data")
    reader.join(timeout=10)
    assert read == [b"data"]
    assert pipe.is_fifo()
