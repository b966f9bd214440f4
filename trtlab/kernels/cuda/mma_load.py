"""How tiles of a factor reach shared memory and registers: the loads of `mma`."""

from dataclasses import dataclass
from math import prod
from typing import Literal

from trtlab.core.types import DataType, StaticShape
from trtlab.kernels.cuda.contraction import (
    Contraction,
    Reader,
    element_at,
    k_setup,
    offset,
    row_setup,
    row_variables,
)

Mode = Literal["k", "row", "scalar"]
RUN = 8
"""Elements of two bytes in a 16-byte copy."""
_COPY_BYTES = 16
_ROW_PAD = 8
_WARP = 32
_WORD = 4  # bytes


@dataclass(frozen=True, slots=True)
class MmaTile:
    """Tile extents of a block, of a warp, and how many tiles are under way."""

    m: int
    n: int
    k: int
    wm: int
    wn: int
    stages: int

    @property
    def threads(self) -> int:
        """Of a block."""
        return (self.m // self.wm) * (self.n // self.wn) * _WARP

    def __str__(self) -> str:
        return f"{self.m}x{self.n}x{self.k}s{self.stages}"


def run_of(dtype: DataType) -> int:
    """Elements of a 16-byte copy; a multiplication takes two such runs of k."""
    return _COPY_BYTES // int(dtype.itemsize)


def reader_mode(reader: Reader, k: StaticShape, rows: StaticShape, *, aligned: bool) -> Mode:
    """How a factor's tile is loaded."""
    outer = [*reader.batch]
    run = run_of(reader.dtype)
    if not aligned:
        return "scalar"
    steps = [axis.step for axis in reader.window]
    if reader.k[-1] == 1 and k[-1] % run == 0:
        if all(s % run == 0 for s in (*outer, *reader.rows, *reader.k[:-1], *steps)):
            return "k"
    if not reader.window and reader.rows[-1] == 1 and rows[-1] % run == 0:
        if all(s % run == 0 for s in (*outer, *reader.rows[:-1], *reader.k)):
            return "row"
    return "scalar"


class Factor:
    """The text of one factor's loads."""

    def __init__(self, form: Contraction, tile: MmaTile, side: str, *, aligned: bool) -> None:
        left = side == "a"
        self.side = side
        self.form = form
        self.tile = tile
        self.reader = form.left if left else form.right
        self.extents = form.m if left else form.n
        self.rows = tile.m if left else tile.n
        self.origin = "m0" if left else "n0"
        self.count = prod(self.extents)
        self.mode = reader_mode(self.reader, form.k, self.extents, aligned=aligned)
        self.run = run_of(self.reader.dtype)
        self.size = int(self.reader.dtype.itemsize)
        turned = self.mode == "row"
        # One run more spreads rows over the banks; single words do it with eight columns.
        self.pitch = self.rows + _ROW_PAD if turned else tile.k + self.run
        self.elements = (tile.k if turned else self.rows) * self.pitch
        if self.mode == "scalar":
            self.slots = self.rows * tile.k // tile.threads
        else:
            self.slots = -(-(self.rows * tile.k // self.run) // tile.threads)

    def setup(self) -> list[str]:
        """Once a block: batch offset, and for each slot its row."""
        s, tile = self.side, self.tile
        lines = [
            *offset("bi", self.form.batch, self.reader.batch, f"{s}_batch", f"{s}z"),
            f"{s} += {s}_batch;",
        ]
        if self.mode == "row":
            return lines
        per_row = tile.k // self.run if self.mode == "k" else tile.k
        self.per_row = per_row
        lines += row_variables(self.reader, s, f"[{self.slots}]")
        return [
            *lines,
            f"bool {s}_live[{self.slots}];",
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            f"  const int r = (threadIdx.x + i * {tile.threads}) / {per_row};",
            f"  int row = {self.origin} + r;",
            f"  {s}_live[i] = row < {self.count} && r < {self.rows};",
            f"  if (!{s}_live[i]) row = 0;",
            *(f"  {x}" for x in row_setup(self.reader, "row", self.extents, s, "[i]")),
            "}",
        ]

    def load(self) -> list[str]:
        """One tile: sees ``step`` and ``to`` (first byte in shared memory)."""
        return self._load_rows() if self.mode == "row" else self._load_k()

    def _load_k(self) -> list[str]:
        s, tile = self.side, self.tile
        total = self.form.sizes[3]
        lines, at, valid = element_at(self.reader, s, "[i]")
        scalar = self.mode == "scalar"
        run = 1 if scalar else self.run
        uniform = tile.threads % self.per_row == 0
        find = [
            f"const int kr = {{0}} % {self.per_row} * {run};",
            f"int kf = step * {tile.k} + kr;",
            f"const bool {s}_in = kf < {total};",
            f"if (!{s}_in) kf = 0;",
            *k_setup(self.reader, "kf", self.form.k, s),
        ]
        slot = f"(threadIdx.x + i * {tile.threads})"
        outside = (
            [x.format("threadIdx.x") if "{0}" in x else x for x in find] if uniform else []
        )
        inside = [] if uniform else [x.format(slot) if "{0}" in x else x for x in find]
        place = f"{slot} / {self.per_row} * {self.pitch} + kr"
        cond = f"{s}_in && {s}_live[i]" + ("" if valid == "true" else f" && {valid}")
        guard = (
            ""
            if (self.rows * self.per_row) % tile.threads == 0
            else (f"if ({slot} < {self.rows * self.per_row}) ")
        )
        if scalar:
            word, bits = ("float", "") if self.size == _WORD else ("unsigned short", ".bits")
            store = [
                f"{word} value = 0;",
                f"if ({cond}) value = {s}[{at}]{bits};",
                f"{guard}reinterpret_cast<{word}*>(shared + to)[{place}] = value;",
            ]
        else:
            store = [
                f"const bool ok = {cond};",
                f"{guard}copy16(base + to + ({place}) * {self.size}, ok ? {s} + ({at}) : {s}, ok);",
            ]
        return [
            "{",
            *outside,
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            *(f"  {x}" for x in (*inside, *lines, *store)),
            "}",
            "}",
        ]

    def _load_rows(self) -> list[str]:
        s, tile, runs = self.side, self.tile, self.rows // self.run
        total = self.form.sizes[3]
        slot = f"(threadIdx.x + i * {tile.threads})"
        row = offset("row", self.extents, self.reader.rows, "at_row", "u")
        col = offset("kf", self.form.k, self.reader.k, "at_k", "w")
        whole = tile.k * runs
        guard = "" if whole % tile.threads == 0 else f"if ({slot} < {whole}) "
        return [
            "#pragma unroll",
            f"for (int i = 0; i < {self.slots}; ++i) {{",
            f"  const int kr = {slot} / {runs}, rr = {slot} % {runs} * {self.run};",
            f"  int row = {self.origin} + rr, kf = step * {tile.k} + kr;",
            f"  const bool ok = row < {self.count} && kf < {total};",
            "  if (!ok) { row = 0; kf = 0; }",
            *(f"  {x}" for x in (*row, *col)),
            f"  {guard}copy16(base + to + (kr * {self.pitch} + rr) * {self.size}, {s} + at_row + at_k, ok);",
            "}",
        ]

    def fragments(self, stage: str) -> list[str]:
        """Load the registers for one slice ``kk``, two runs deep: ``fa`` or ``fb``."""
        s, turned, run = self.side, self.mode == "row", self.run
        if turned and self.size == _WORD:
            return self._words(stage)
        load = "load4_turned" if turned else "load4"
        if s == "a":
            row, deep = "(lane % 16)", f"(lane / 16 * {run})"
            if turned:
                row, deep = "(lane / 8 % 2 * 8)", "(lane % 8 + lane / 16 * 8)"
        else:
            row, deep = "(lane % 8 + lane / 16 * 8)", f"(lane / 8 % 2 * {run})"
            if turned:
                row, deep = "(lane / 16 * 8)", "(lane % 8 + lane / 8 % 2 * 8)"
        first = f"w{self._letter} + i * 16 + {row}"
        deep = f"kk * {2 * run} + {deep}"
        place = (
            f"({deep}) * {self.pitch} + {first}"
            if turned
            else f"({first}) * {self.pitch} + {deep}"
        )
        one = f"{load}(f{s}[i], base + {stage} + ({place}) * {self.size});"
        if self.size != _WORD:
            return ["#pragma unroll", f"for (int i = 0; i < {self._blocks}; ++i) {one}"]
        return [
            "#pragma unroll",
            f"for (int i = 0; i < {self._blocks}; ++i) {{",
            f"  {one}",
            "  #pragma unroll",
            f"  for (int r = 0; r < 4; ++r) f{s}[i][r] = rounded(f{s}[i][r]);",
            "}",
        ]

    @property
    def _letter(self) -> str:
        return "m" if self.side == "a" else "n"

    @property
    def _blocks(self) -> int:
        """Of 16 rows, in a warp's share."""
        return (self.tile.wm if self.side == "a" else self.tile.wn) // 16

    def _words(self, stage: str) -> list[str]:
        """Columns of four-byte elements, one by one: no instruction turns them."""
        s = self.side
        row, deep = ("r % 2", "r / 2") if s == "a" else ("r / 2", "r % 2")
        first = f"w{self._letter} + i * 16 + {row} * 8 + lane / 4"
        place = f"(kk * 8 + {deep} * 4 + lane % 4) * {self.pitch} + {first}"
        word = f"reinterpret_cast<const unsigned*>(shared + {stage})[{place}]"
        return [
            "#pragma unroll",
            f"for (int i = 0; i < {self._blocks}; ++i)",
            "  #pragma unroll",
            f"  for (int r = 0; r < 4; ++r) f{s}[i][r] = rounded({word});",
        ]
