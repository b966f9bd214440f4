"""The process that tries candidates first: ``python -m trtlab.builder.prover FD DEVICE``.

It shares nothing with the builder but a pipe, so that a fault, a crash or an endless loop costs
this process only. Messages are pickled, between a process and its own child. The end of the pipe
or of the parent ends the process.
"""

import os
import sys
import threading
from multiprocessing.connection import Connection
from time import sleep
from typing import Any

from trtlab.builder.proof import prove
from trtlab.core.errors import DeviceLostError, TrtlabError
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.cuda.libraries import cupy

_LOOK_EVERY_S = 1.0


def main(arguments: list[str]) -> None:
    """Serve one builder until it hangs up."""
    descriptor, index = (int(word) for word in arguments)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    link: Connection[Any, Any] = Connection(descriptor)
    try:
        device = CudaDevice(index)
        cupy().cuda.Device(index).use()  # of this thread, which does everything
        device.synchronize()
    except TrtlabError as error:
        link.send(("unable", "", str(error).splitlines()[0]))
        return

    def tell(kind: str, name: str, reason: str) -> None:
        link.send((kind, name, reason))

    tell("ready", "", "")
    while True:
        try:
            problem, tactics = link.recv()
        except EOFError:
            return
        try:
            prove(device, problem, tactics, tell)
        except DeviceLostError as error:
            tell("lost", "", error.what)
            # The interpreter's end would call a driver that only repeats the fault.
            os._exit(0)
        except (TrtlabError, MemoryError) as error:
            said = str(error) or type(error).__name__
            tell("no room", "", said.splitlines()[0])
        tell("done", "", "")


def _end_with_parent(parent: int) -> None:
    """A hanging kernel must not outlive the builder."""
    while os.getppid() == parent:
        sleep(_LOOK_EVERY_S)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
