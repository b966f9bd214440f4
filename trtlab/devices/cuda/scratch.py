"""Scratch memory that the launches of one stream take turns with."""

from dataclasses import dataclass, field
from typing import Any

from trtlab.devices.cuda.kernel import Kernel, Loader
from trtlab.devices.cuda.memory import CudaMemory

_ALIGN = 256  # as an allocation of its own would be


@dataclass(frozen=True, slots=True)
class Workspace:
    """Scratch of one launch.

    Attributes:
        address: Of its first byte.
        nbytes: How many there are.
    """

    address: int = 0
    nbytes: int = 0
    _held: object = field(default=None, repr=False)

    @staticmethod
    def wanted(nbytes: int) -> int:
        """What to set aside for a launch that needs so many bytes, wherever it begins."""
        return nbytes + _ALIGN if nbytes else 0

    def behind(self, nbytes: int) -> "Workspace":
        """What is left behind the first bytes."""
        return Workspace(self.address + nbytes, max(self.nbytes - nbytes, 0))

    def or_from(self, loader: Loader, nbytes: int) -> "Workspace":
        """An aligned part of it, or, where it is too small, scratch from the loader."""
        aligned = self.address + -self.address % _ALIGN
        if self.nbytes and aligned + nbytes <= self.address + self.nbytes:
            return Workspace(aligned, nbytes)
        memory = loader.scratch(nbytes)
        return Workspace(memory.address, nbytes, memory)


NO_WORKSPACE = Workspace()


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
