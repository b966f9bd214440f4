import json
import subprocess
import sys


def test_a_worker_whose_session_is_gone_ends_without_a_word() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-m", "trtlab.session.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    worker.stdout.close()  # as when a script ends while its model is still being read
    worker.stdin.write(json.dumps({"job": 1, "do": "open", "source": "missing.onnx"}) + "\n")
    worker.stdin.flush()
    try:
        assert worker.wait(30) == 0
        assert worker.stderr.read() == ""
    finally:
        worker.kill()
        worker.stdin.close()
        worker.stderr.close()
