"""Scratch memory that the launches of one stream take turns with."""

from typing import Any

from trtlab.devices.cuda.kernel import Kernel, Loader
from trtlab.devices.cuda.memory import CudaMemory


class SharedScratch:
    """A loader whose launches share scratch memory: they follow each other on a stream.

    A launch's scratch holds nothing beyond the launch, so that one block serves all launches of
    a stream that want no more.

    Args:
        loader: Compiles, and allocates what is not there yet.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._blocks: list[CudaMemory] = []

    def function(self, kernel: Kernel) -> Any:  # noqa: ANN401 - a CuPy function
        """The compiled and loaded function."""
        return self._loader.function(kernel)

    def scratch(self, nbytes: int) -> CudaMemory:
        """A block of at least so many bytes."""
        for block in self._blocks:
            if block.nbytes >= nbytes:
                return block
        self._blocks.append(self._loader.scratch(nbytes))
        return self._blocks[-1]
