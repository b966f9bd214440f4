"""The cache of compiled kernels is a convenience: without it, or with a damaged one, all works."""

import os
import subprocess
import sys

COMPILE = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from trtlab.devices.cpu.team import Team
Team(1).close()
print("done")
"""


def _compile(folder, *words):
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    return done.stderr


def test_a_full_disk_is_said_once(tmp_path):
    assert _compile(tmp_path, "100").count("kernel cache") == 1
    assert _compile(tmp_path) == ""


def test_a_cut_cache_is_made_anew(tmp_path):
    assert _compile(tmp_path) == ""
    files = [p for p in tmp_path.rglob("*.nb?") if p.suffix in {".nbi", ".nbc"}]
    assert {p.suffix for p in files} == {".nbi", ".nbc"}
    for suffix in (".nbi", ".nbc"):
        for path in files:
            if path.suffix == suffix:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "was damaged" in _compile(tmp_path)
        assert _compile(tmp_path) == ""
