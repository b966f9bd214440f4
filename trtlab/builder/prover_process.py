"""A prover as the builder sees it: a process, a pipe, and what it said last."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Tactic

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Sent by the system for want of memory, or by a person: no candidate is to blame.
_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}


@dataclass(slots=True)
class Task:
    """A problem with the candidates to be tried on it."""

    problem: Problem
    tactics: list[Tactic]


@dataclass(slots=True)
class ProverProcess:
    """A process with its end of the pipe.

    Attributes:
        task: What it works on.
        begun: The candidate that it told of last.
        heard: When it was heard last.
        ready: It has a CUDA context.
    """

    process: subprocess.Popen[bytes]
    link: "Connection[Any, Any]"
    complaints: IO[bytes]
    task: Task | None = None
    begun: str = ""
    heard: float = 0.0
    ready: bool = False

    def last_words(self) -> str:
        """The last line that the process wrote, or how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
        self.complaints.seek(0)
        lines = self.complaints.read().decode(errors="replace").strip().splitlines()
        code = self.process.returncode
        if code is not None and code < 0:
            return f"the process was ended by signal {-code}"
        return lines[-1].strip() if lines else f"the process ended with code {code}"

    @property
    def ended_from_outside(self) -> bool:
        """Whether somebody else ended the process; call `last_words` first."""
        return self.process.returncode in _FROM_OUTSIDE

    def end(self) -> None:
        """Kill and reap."""
        self.link.close()
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10.0)
        self.complaints.close()


def start(command: Sequence[str], index: int) -> ProverProcess:
    """A new prover; it says when it is ready.

    Args:
        command: What to run; told the descriptor of its pipe and the device.
        index: Of the CUDA device.

    Raises:
        OSError: No process can be started.
    """
    ours, theirs = Pipe()
    complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    try:
        process = subprocess.Popen(
            [*command, str(theirs.fileno()), str(index)],
            stdin=subprocess.DEVNULL,
            stdout=complaints,
            stderr=complaints,
            pass_fds=(theirs.fileno(),),
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # interrupting a notebook's kernel is the builder's matter
        )
    except OSError:
        ours.close()
        complaints.close()
        raise
    finally:
        theirs.close()
    return ProverProcess(process, ours, complaints, heard=monotonic())
