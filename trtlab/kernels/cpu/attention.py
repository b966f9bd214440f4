"""Tactic for fused attention in fp32."""

from collections.abc import Sequence

import numpy as np

from trtlab.core.enums import AttentionNormalizationOp
from trtlab.core.types import DataType
from trtlab.devices.cpu.operation import LANES
from trtlab.devices.cpu.program import Command
from trtlab.kernels.cpu import attend as a
from trtlab.kernels.cpu import microkernel
from trtlab.kernels.cpu.strided import broadcast_strides
from trtlab.layers.fused import Attention
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_ALIGN_BYTES = 64
_WAY_BYTES = 4096


_FEW = 8
"""With more queries, packing keys and values for the matrix tile pays."""


class AttentionTactic(Tactic):
    """softmax(scale · q kᵀ + mask) v without scores in memory.

    Args:
        few: For few queries: keys and values are read where they lie, without the tile.
    """

    def __init__(self, *, few: bool = False) -> None:
        self._few = few
        self.name = "cpu.attention.rows" if few else "cpu.attention.tiles"

    def check(self, problem: Problem) -> Rejection | None:
        """Declines other types, no softmax, very many keys, and rows with holes inside."""
        op, operands = problem.op, [*problem.inputs[:3], *problem.outputs]
        assert isinstance(op, Attention)
        if op.norm_op is not AttentionNormalizationOp.SOFTMAX:
            return Rejection("without softmax there is nothing to fuse")
        for operand in operands:
            assert operand is not None
            if operand.dtype is not DataType.FLOAT:
                return Rejection(f"works on fp32, not on {operand.dtype.value}")
            if operand.strides[-1] != 1 and operand.shape[-1] != 1:
                return Rejection("the last dimension of an operand is not contiguous")
            if 0 in operand.shape:
                return Rejection("an operand is empty")
        if self._few and _sizes(problem)[3] > _FEW:
            return Rejection(f"for at most {_FEW} queries")
        mask = _mask(problem)
        if mask is not None and mask.dtype not in {DataType.FLOAT, DataType.BOOL}:
            return Rejection(f"the mask is {mask.dtype.value}")
        if mask is not None and broadcast_strides(mask, _scores_shape(problem))[-1] != 1:
            return Rejection("the mask does not run along the keys")
        if a.rows_of_tile(_score_pitch(_sizes(problem)[4])) < 1:
            return Rejection("so many keys do not fit the stack")
        return None

    def workspace_bytes(self, problem: Problem) -> int:
        """Packed keys and values of all heads."""
        if self._few:
            return 0
        keys, values = _packed_bytes(problem)
        return keys + values

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence[Command]:
        """Pack, then attend; or attend at once."""
        op, out, mask = problem.op, problem.outputs[0], _mask(problem)
        assert isinstance(op, Attention)
        batches, heads, groups, queries, keys, features, width = _sizes(problem)
        pitch = _score_pitch(keys)
        tiles = -(-queries // a.rows_of_tile(pitch))
        kind = a.NO_MASK
        if mask is not None:
            kind = a.TRUTH if mask.dtype is DataType.BOOL else a.ADDED
        packed_keys = buffers.workspace
        packed_values = packed_keys + _packed_bytes(problem)[0]
        args = np.zeros(a.LENGTH, np.int64)
        args[: a.STEPS] = (
            *(
                microkernel.tile.address,
                batches,
                heads,
                groups,
                queries,
                keys,
                features,
                width,
            ),
            *(0, op.causal, op.k_transposed, kind, packed_keys, packed_values, tiles, pitch),
            *(address or 0 for address in buffers.inputs[:3]),
            buffers.outputs[0],
            0 if mask is None else buffers.inputs[3] or 0,
        )
        args[a.SCALE : a.SCALE + 1].view(np.float32)[0] = op.scale
        for place, operand in enumerate((*problem.inputs[:3], out)):
            assert operand is not None
            steps = [4 * stride for stride in operand.strides[:3]]
            args[a.STEPS + 3 * place : a.STEPS + 3 * place + 3] = steps
        if mask is not None:
            size = int(mask.dtype.itemsize)
            own = broadcast_strides(mask, _scores_shape(problem))
            args[a.STEPS + 12 :] = [size * stride for stride in own[:3]]
        if self._few:
            return (Command(a.attend_rows.address, args),)
        return Command(a.pack_heads.address, args), Command(a.attend.address, args)


def _mask(problem: Problem) -> Operand | None:
    return problem.inputs[3] if len(problem.inputs) > 3 else None


def _sizes(problem: Problem) -> tuple[int, int, int, int, int, int, int]:
    """Batches, heads, key heads, queries, keys, features of a key and of a value."""
    q, k, v = problem.inputs[:3]
    assert q is not None
    assert k is not None
    assert v is not None
    batches, heads, queries, features = q.shape
    return batches, heads, k.shape[1], queries, v.shape[2], features, v.shape[3]


def _scores_shape(problem: Problem) -> tuple[int, int, int, int]:
    batches, heads, _, queries, keys, _, _ = _sizes(problem)
    return batches, heads, queries, keys


def _padded(columns: int) -> int:
    return -(-columns // LANES) * LANES


def _score_pitch(keys: int) -> int:
    """Bytes between rows of scores; not a multiple that would crowd one set of the cache."""
    pitch = 4 * _padded(keys)
    return pitch + _ALIGN_BYTES if pitch % (_WAY_BYTES // 2) == 0 else pitch


def _packed_bytes(problem: Problem) -> tuple[int, int]:
    """Packed keys and packed values, each in whole cache lines."""
    batches, _, groups, _, keys, features, width = _sizes(problem)
    sizes = (features * _padded(keys), keys * _padded(width))
    each = [-(-4 * batches * groups * size // _ALIGN_BYTES) * _ALIGN_BYTES for size in sizes]
    return each[0], each[1]
