"""A prover without a GPU, run as a script: what it does follows from the candidate's name."""

import os
import signal
import sys
import time
from multiprocessing.connection import Connection

from trtlab.tactics.tactic import Rejection, Tactic


class Named(Tactic):
    """A candidate that only has a name; the processes agree on what it stands for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, problem) -> Rejection | None:
        return None

    def bind(self, problem, buffers):
        return ()


def _behave(name: str, tell) -> None:
    if name.startswith("segfault"):
        os.kill(os.getpid(), signal.SIGSEGV)
    elif name.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    elif name.startswith("hang"):
        time.sleep(60)
    elif name.startswith("raise"):
        raise ValueError("an index is out of range")
    elif name.startswith("fault"):
        tell("lost", "", "cudaErrorIllegalAddress: an illegal memory access was encountered")
        os._exit(0)
    elif name.startswith("wrong"):
        tell("refused", name, "wrong: 7 of 8 values differ")
    elif name.startswith("no memory"):
        tell("unproved", name, "failed while being tried: no memory")


def main(manner: str, descriptor: int) -> None:
    link = Connection(descriptor)

    def tell(kind: str, name: str, reason: str) -> None:
        link.send((kind, name, reason))

    if manner == "unable":
        tell("unable", "", "all CUDA-capable devices are busy or unavailable")
        return
    if manner == "stillborn":
        sys.exit("no module named such")
    tell("ready", "", "")
    while True:
        try:
            _, tactics = link.recv()
        except EOFError:
            return
        if manner == "forgetful":
            sys.exit("the operands do not unpickle")
        for tactic in tactics:
            tell("begin", tactic.name, "")
            _behave(tactic.name, tell)
        tell("done", "", "")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
