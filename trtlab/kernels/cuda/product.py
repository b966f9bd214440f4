"""Tactics for matrix products, convolutions and einsums."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.kernels.cuda.contraction import Contraction
from trtlab.kernels.cuda.forms import form_of, pack_window
from trtlab.kernels.cuda.mma import mma_kernel
from trtlab.kernels.cuda.mma_load import MmaTile, reader_mode
from trtlab.kernels.cuda.simt import SimtTile, simt_kernel
from trtlab.kernels.cuda.split import join_kernel
from trtlab.kernels.cuda.text import MOST_BLOCKS, MULTIPROCESSORS
from trtlab.layers.base import Array
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN = 16
_MOST_GROUPS = 16
_LEAST_WORK = 64
_WAVES = 4
_OUT_OF_THE_RACE = 1e3
_HALF = {DataType.HALF, DataType.BF16}


class ContractionTactic(Tactic):
    """A contraction in tiles; ``splits`` parts of the sum run side by side and are added.

    Args:
        splits: Parts of the sum.
    """

    def __init__(self, splits: int) -> None:
        self.splits = splits

    def refuse(self, form: Contraction) -> Rejection | None:
        """Why this kind of kernel declines."""
        raise NotImplementedError

    def kernel(
        self, form: Contraction, problem: Problem, splits: int, *, aligned: bool
    ) -> Kernel:
        """The first launch."""
        raise NotImplementedError

    def tile(self) -> tuple[int, int, int]:
        """Tile extents."""
        raise NotImplementedError

    def rate(self, form: Contraction) -> float:
        """Operations a microsecond of the whole device at full load."""
        raise NotImplementedError

    def check(self, problem: Problem) -> Rejection | None:
        """Declines types, and splits where they cannot help."""
        if problem.has_empty_operand:
            return Rejection("a factor is empty")
        form = form_of(problem)
        if isinstance(form, Rejection):
            return form
        batch, m, _n, _k = form.sizes
        if (
            batch * self._splits_of(form) > MOST_BLOCKS
            or -(-m // self.tile()[0]) > MOST_BLOCKS
        ):
            return Rejection("more tiles than a grid has")
        if self.splits > 1 and not form.result.dtype.is_float:
            return Rejection("integers are not added in parts")
        return self.refuse(form)

    def _splits_of(self, form: Contraction) -> int:
        """Parts of the sum at these extents: one where there are tiles enough without."""
        batch, m, n, k = form.sizes
        tm, tn, tk = self.tile()
        blocks = -(-m // tm) * -(-n // tn) * batch
        useful = blocks * self.splits <= _WAVES * MULTIPROCESSORS and k >= 2 * tk * self.splits
        return self.splits if useful else 1

    def unsuited(self, form: Contraction) -> bool:
        """Whether another tile does the same faster: then this one need not be timed."""
        return self.splits > 1 and self._splits_of(form) == 1

    def workspace_bytes(self, problem: Problem) -> int:
        """Partial sums in float32."""
        form = form_of(problem)
        if isinstance(form, Rejection) or self._splits_of(form) == 1:
            return 0
        batch, m, n, _ = form.sizes
        return 4 * batch * m * n * self.splits

    def cost_hint_us(self, problem: Problem) -> float:
        """Whole waves of tiles at the tile's share of the device's rate."""
        form = form_of(problem)
        if isinstance(form, Rejection):
            return float("inf")
        batch, m, n, k = form.sizes
        tm, tn, tk = self.tile()
        blocks = -(-m // tm) * -(-n // tn) * batch * self.splits
        waves = max(blocks / MULTIPROCESSORS, 1.0)
        work = 2.0 * tm * tn * (-(-k // self.splits) + 2 * tk)
        joined = 3.0 + 4 * batch * m * n * self.splits / 2e6 if self.splits > 1 else 0.0
        spent = 2.0 + waves * work * MULTIPROCESSORS / self.rate(form) + joined
        return spent * (_OUT_OF_THE_RACE if self.unsuited(form) else 1.0)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Convolution kernels with the channel fastest."""
        return pack_window(problem, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[KernelLaunch]:
        """One launch, and a second that adds parts."""
        form = form_of(problem)
        assert not isinstance(form, Rejection)
        given = [a for a in buffers.inputs if a is not None]
        out = buffers.outputs[0]
        aligned = all(a % _ALIGN == 0 for a in (*given, out))
        splits = self._splits_of(form)
        kernel = self.kernel(form, problem, splits, aligned=aligned)
        if splits == 1:
            return (KernelLaunch(kernel, (*given, out)),)
        join = join_kernel(form, self.name, problem, splits, aligned=aligned)
        return (
            KernelLaunch(kernel, (*given[:2], buffers.workspace)),
            KernelLaunch(join, (buffers.workspace, *given[2:], out)),
        )


class SimtTactic(ContractionTactic):
    """On the ordinary arithmetic units.

    Args:
        tile: Tile extents.
        splits: Parts of the sum.
    """

    def __init__(self, tile: SimtTile, splits: int = 1) -> None:
        super().__init__(splits)
        self._tile = tile
        self.name = f"cuda.contract.simt/{tile}/{splits}"

    def tile(self) -> tuple[int, int, int]:
        """Tile extents."""
        return self._tile.m, self._tile.n, self._tile.k

    def rate(self, form: Contraction) -> float:
        """About a fifth of the peak; bigger squares reuse more."""
        del form
        return 4e6 * (self._tile.tm * self._tile.tn) ** 0.5

    def refuse(self, form: Contraction) -> Rejection | None:
        """Declines truths."""
        if form.result.dtype is DataType.BOOL:
            return Rejection("a product of truths")
        if form.result.dtype in _HALF and self._tile.tm != 4:
            return Rejection("tensor cores are faster")
        return None

    def kernel(
        self, form: Contraction, problem: Problem, splits: int, *, aligned: bool
    ) -> Kernel:
        """The first launch; alignment does not matter to it."""
        del aligned
        return simt_kernel(form, self._tile, self.name, problem, splits)


class MmaTactic(ContractionTactic):
    """On the tensor cores.

    Args:
        tile: Tile extents.
        splits: Parts of the sum.
    """

    def __init__(self, tile: MmaTile, splits: int = 1) -> None:
        super().__init__(splits)
        self._tile = tile
        self.name = f"cuda.contract.mma/{tile}/{splits}"

    def tile(self) -> tuple[int, int, int]:
        """Tile extents."""
        return self._tile.m, self._tile.n, self._tile.k

    def rate(self, form: Contraction) -> float:
        """Bigger tiles reuse more; element loads are slow."""
        full = 4e8 * min(1.0, (self._tile.m * self._tile.n) ** 0.5 / 128)
        return full / 8 if "scalar" in self._modes(form) else full

    def unsuited(self, form: Contraction) -> bool:
        """Tiles for runs of eight elements are slow without them; tiny groups leave them empty."""
        batch, _, n, k = form.sizes
        tiny = batch > _MOST_GROUPS and n * k < _LEAST_WORK
        apart = "scalar" in self._modes(form) and self._tile not in _FOR_ELEMENTS
        return super().unsuited(form) or tiny or apart

    def _modes(self, form: Contraction) -> tuple[str, str]:
        """How the factors are loaded."""
        return (
            reader_mode(form.left, form.k, form.m, aligned=True),
            reader_mode(form.right, form.k, form.n, aligned=True),
        )

    def refuse(self, form: Contraction) -> Rejection | None:
        """Declines types without tensor-core products."""
        if form.left.dtype not in _HALF or form.right.dtype is not form.left.dtype:
            return Rejection(
                f"tensor cores multiply fp16 and bf16, not {form.left.dtype.value}"
            )
        return None

    def kernel(
        self, form: Contraction, problem: Problem, splits: int, *, aligned: bool
    ) -> Kernel:
        """The first launch."""
        return mma_kernel(form, self._tile, self.name, problem, splits, aligned=aligned)


class Tf32Tactic(MmaTactic):
    """FP32 factors on the tensor cores, rounded to TF32.

    Args:
        tile: Tile extents.
        splits: Parts of the sum.
    """

    tf32: ClassVar[bool] = True

    def __init__(self, tile: MmaTile, splits: int = 1) -> None:
        super().__init__(tile, splits)
        self.name = f"cuda.contract.tf32/{tile}/{splits}"

    def rate(self, form: Contraction) -> float:
        """A third of the half types': half the rate, and every value is rounded first."""
        return super().rate(form) / 3

    def refuse(self, form: Contraction) -> Rejection | None:
        """Declines types other than FP32."""
        if {form.left.dtype, form.right.dtype, form.result.dtype} != {DataType.FLOAT}:
            return Rejection(f"multiplies fp32, not {form.left.dtype.value}")
        return None


_FOR_ELEMENTS = {
    MmaTile(128, 64, 32, 32, 32, 4),
    MmaTile(64, 64, 64, 32, 32, 3),
    MmaTile(64, 64, 32, 32, 32, 3),
}
_SIMT = (
    (SimtTile(64, 64, 16, 4, 4), (1, 4, 16)),
    (SimtTile(128, 64, 16, 8, 4), (1,)),
    (SimtTile(32, 32, 32, 2, 2), (1, 4)),
)
_MMA = (
    (MmaTile(128, 128, 32, 64, 32, 4), (1,)),
    (MmaTile(128, 64, 32, 32, 32, 4), (1, 2)),
    (MmaTile(64, 128, 32, 32, 32, 4), (1, 2)),
    (MmaTile(64, 64, 64, 32, 32, 3), (1, 2, 4, 8)),
    (MmaTile(32, 64, 64, 16, 32, 4), (1, 4)),
    (MmaTile(64, 32, 64, 32, 16, 4), (1, 4)),
)

_TF32 = (
    (MmaTile(128, 128, 16, 64, 32, 4), (1,)),
    (MmaTile(64, 64, 32, 32, 32, 3), (1, 4)),
    (MmaTile(32, 64, 32, 16, 32, 4), (1, 4)),
)


def contraction_tactics() -> list[Tactic]:
    """All tiles and splits."""
    return [
        *(MmaTactic(tile, s) for tile, splits in _MMA for s in splits),
        *(Tf32Tactic(tile, s) for tile, splits in _TF32 for s in splits),
        *(SimtTactic(tile, s) for tile, splits in _SIMT for s in splits),
    ]
