# ruff: noqa: ANN401  (llvmlite's values carry no types)
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
"""The one matrix tile that GEMM, convolution and attention share.

A tile is up to ``TILE_ROWS`` rows times one or two vectors of columns. Its accumulators stay
in registers while it walks k::

    C[r, :] = clip(bias + Σ_tap Σ_k A[tap][r][k] · B[tap · inner + k, :] + R[r, :])

Rows of A come from a table of pointers, one a tap and row, so that a convolution needs no
im2col: the table points at the pixel under each filter tap, or at zeros for padding
(indirect convolution). B is read through a step between consecutive k: a packed panel or a
plain matrix. The code is compiled once, and drivers call it by address.

Source: Dukhan 2019, "The Indirect Convolution Algorithm", arXiv:1907.02129; Van Zee and
van de Geijn 2015, "BLIS", ACM TOMS 41(3).
"""

from typing import Any, Final

import llvmlite.ir as ir

from trtlab.devices.cpu.isa import target_isa
from trtlab.devices.cpu.kernel import kernel
from trtlab.devices.cpu.native import pointer
from trtlab.devices.cpu.operation import (
    F32,
    I64,
    INT,
    LANES,
    VECTOR_IR,
    VOID,
    KernelOnly,
    operation,
)
from trtlab.devices.cpu.vectors import broadcast, fused_multiply_add

TILE_ROWS: Final = target_isa().tile_rows
TILE_VECTORS: Final = 2
TILE_COLUMNS: Final = TILE_VECTORS * LANES

# The block that describes one tile: int64 fields at these offsets (bytes).
(
    ROWS,  # 1 … TILE_ROWS
    VECTORS,  # 1 or 2
    TABLE,  # address of row pointers, int64 [taps, TILE_ROWS]
    TAPS,
    INNER,  # k steps a tap
    PANEL,  # address of B
    STEP,  # bytes between consecutive k in B
    TARGET,  # address of C
    PITCH,  # bytes between rows of C
    BIAS,  # address of VECTORS vectors; zeros where there is none
    RESIDUAL,  # address of R, or 0
    RESIDUAL_PITCH,
    CLIP,  # 0: none, else LOW and HIGH apply
    LOW,  # float32
    HIGH,  # float32
) = (8 * field for field in range(15))
TILE_BLOCK_BYTES: Final = 8 * 16

_UNROLL = 4


class _Emitter:
    """Writes the instructions of all tile shapes into the current function."""

    def __init__(self, build: Any, block: Any) -> None:
        self.build = build
        self.block = block

    def field(self, offset: int) -> Any:
        place = self.build.add(self.block, _int(offset))
        return self.build.load(pointer(self.build, place, I64), align=8)

    def float_field(self, offset: int) -> Any:
        place = self.build.add(self.block, _int(offset))
        return self.build.load(pointer(self.build, place, F32), align=4)

    def vector(self, address: Any, index: int = 0) -> Any:
        place = self.build.add(address, _int(4 * LANES * index)) if index else address
        return self.build.load(pointer(self.build, place, VECTOR_IR), align=4)

    def all_shapes(self) -> None:
        build = self.build
        done = build.append_basic_block("done")
        wide = build.icmp_signed("==", self.field(VECTORS), _int(2))
        shapes = build.select(wide, _int(TILE_ROWS), _int(0))
        choice = build.add(shapes, self.field(ROWS))
        jump = build.switch(choice, done)
        for vectors in range(1, TILE_VECTORS + 1):
            for rows in range(1, TILE_ROWS + 1):
                start = build.append_basic_block(f"tile_{rows}x{vectors}")
                jump.add_case(_int((vectors - 1) * TILE_ROWS + rows), start)
                build.position_at_end(start)
                self.one_shape(rows, vectors)
                build.branch(done)
        build.position_at_end(done)

    def one_shape(self, rows: int, vectors: int) -> None:
        build = self.build
        table, taps, inner = self.field(TABLE), self.field(TAPS), self.field(INNER)
        bias, first_panel = self.field(BIAS), self.field(PANEL)
        start = [self.vector(bias, v) for v in range(vectors)] * rows
        before = build.block
        loop = build.append_basic_block("tap")
        after = build.append_basic_block("finish")
        build.branch(loop)
        build.position_at_end(loop)
        tap = build.phi(I64)
        panel = build.phi(I64)
        sums = [build.phi(VECTOR_IR) for _ in start]
        row_place = build.add(table, build.mul(tap, _int(8 * TILE_ROWS)))
        lines = [
            build.load(pointer(build, build.add(row_place, _int(8 * r)), I64), align=8)
            for r in range(rows)
        ]
        lines = [pointer(build, line, F32) for line in lines]
        step = self.field(STEP)
        k, panel_mid, mid = self.k_loop(
            lines, inner, panel, step, sums, vectors, _UNROLL, _int(0)
        )
        k, panel_end, end = self.k_loop(lines, inner, panel_mid, step, mid, vectors, 1, k)
        next_tap = build.add(tap, _int(1))
        tap.add_incoming(_int(0), before)
        tap.add_incoming(next_tap, build.block)
        panel.add_incoming(first_panel, before)
        panel.add_incoming(panel_end, build.block)
        for total, first, last in zip(sums, start, end, strict=True):
            total.add_incoming(first, before)
            total.add_incoming(last, build.block)
        build.cbranch(build.icmp_signed("<", next_tap, taps), loop, after)
        build.position_at_end(after)
        self.finish(end, rows, vectors)

    def k_loop(
        self,
        lines: list[Any],
        inner: Any,
        panel: Any,
        step: Any,
        sums: list[Any],
        vectors: int,
        unroll: int,
        first: Any,
    ) -> tuple[Any, Any, list[Any]]:
        """Walk k while ``unroll`` steps remain; returns k, panel and sums behind them."""
        build = self.build
        before = build.block
        loop, after = build.append_basic_block("k"), build.append_basic_block("k_end")
        limit = build.sub(inner, _int(unroll - 1))
        build.cbranch(build.icmp_signed("<", first, limit), loop, after)
        build.position_at_end(loop)
        k, here = build.phi(I64), build.phi(I64)
        now = [build.phi(VECTOR_IR) for _ in sums]
        place, totals = here, list(now)
        for u in range(unroll):
            b = [self.vector(place, v) for v in range(vectors)]
            index = build.add(k, _int(u)) if u else k
            for r, line in enumerate(lines):
                a = broadcast(build, build.load(build.gep(line, [index]), align=4))
                for v in range(vectors):
                    at = r * vectors + v
                    totals[at] = fused_multiply_add(build, a, b[v], totals[at])
            place = build.add(place, step)
        k_next = build.add(k, _int(unroll))
        build.cbranch(build.icmp_signed("<", k_next, limit), loop, after)
        for phi, first_value, next_value in zip(
            [k, here, *now], [first, panel, *sums], [k_next, place, *totals], strict=True
        ):
            phi.add_incoming(first_value, before)
            phi.add_incoming(next_value, loop)
        build.position_at_end(after)
        ends = []
        for kind, entered, left in zip(
            [I64, I64, *(VECTOR_IR for _ in sums)],
            [first, panel, *sums],
            [k_next, place, *totals],
            strict=True,
        ):
            phi = build.phi(kind)
            phi.add_incoming(entered, before)
            phi.add_incoming(left, loop)
            ends.append(phi)
        return ends[0], ends[1], ends[2:]

    def finish(self, sums: list[Any], rows: int, vectors: int) -> None:
        build = self.build
        residual, pitch = self.field(RESIDUAL), self.field(RESIDUAL_PITCH)
        present = build.icmp_signed("!=", residual, _int(0))

        def add_residual(values: list[Any]) -> list[Any]:
            place, added = residual, []
            for r in range(rows):
                row = values[r * vectors : (r + 1) * vectors]
                added += [build.fadd(x, self.vector(place, v)) for v, x in enumerate(row)]
                place = build.add(place, pitch)
            return added

        def clip(values: list[Any]) -> list[Any]:
            low, high = (broadcast(build, self.float_field(at)) for at in (LOW, HIGH))
            raised = [
                build.select(build.fcmp_ordered(">", low, value), low, value)
                for value in values
            ]
            return [
                build.select(build.fcmp_ordered("<", high, value), high, value)
                for value in raised
            ]

        sums = self.when(present, add_residual, sums)
        wanted = build.icmp_signed("!=", self.field(CLIP), _int(0))
        sums = self.when(wanted, clip, sums)
        target, pitch = self.field(TARGET), self.field(PITCH)
        for r in range(rows):
            for v in range(vectors):
                place = build.add(target, _int(4 * LANES * v)) if v else target
                build.store(sums[r * vectors + v], pointer(build, place, VECTOR_IR), align=4)
            target = build.add(target, pitch)

    def when(self, condition: Any, change: Any, values: list[Any]) -> list[Any]:
        """``change(values)`` where the condition holds."""
        build = self.build
        before = build.block
        yes, after = build.append_basic_block("yes"), build.append_basic_block("after")
        build.cbranch(condition, yes, after)
        build.position_at_end(yes)
        changed = change(values)
        build.branch(after)
        build.position_at_end(after)
        merged = []
        for old, new in zip(values, changed, strict=True):
            phi = build.phi(old.type)
            phi.add_incoming(old, before)
            phi.add_incoming(new, yes)
            merged.append(phi)
        return merged


def _int(value: int) -> Any:
    return ir.Constant(I64, value)


def _emit_tile(build: Any, block: Any) -> None:
    _Emitter(build, block).all_shapes()


@operation(VOID, (INT,), _emit_tile)
def _tile(block: int) -> None:  # noqa: ARG001  (a declaration)
    """Compute the tile that the block describes."""
    raise KernelOnly


@kernel
def tile(args: int, thread: int, threads: int) -> None:  # noqa: ARG001  (the form of all kernels)
    """Compute the tile that the block at ``args`` describes."""
    _tile(args)
