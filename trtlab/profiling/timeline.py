"""Profiled queries as bars on streams."""

from collections.abc import Iterator, Mapping, Sequence

from trtlab.profiling.query import Query
from trtlab.profiling.target import Span
from trtlab.report.records import LayerRecord, Slice

_NOT_A_LAYER = -1


def timeline(
    queries: Sequence[Query],
    layers: Sequence[LayerRecord],
    *,
    epoch_ns: int = 0,
    iterations: int | None = 3,
) -> tuple[Slice, ...]:
    """Bars of the first few inferences: the whole, the host's launch, copies and layers.

    Args:
        queries: Profiled ones, in order.
        layers: Name the bars.
        epoch_ns: Time zero.
        iterations: How many of the queries to draw; None for all.
    """
    names = {record.index: record.name for record in layers}
    bars: list[Slice] = []
    for iteration, query in enumerate(queries[:iterations]):
        bars += _bars(query, names, iteration, epoch_ns)
    return tuple(bars)


def _bars(
    query: Query, names: Mapping[int, str], iteration: int, epoch_ns: int
) -> Iterator[Slice]:
    def bar(name: str, span: Span, category: str, *, layer: int, stream: int) -> Slice:
        start_ns = span.start_ns - epoch_ns
        return Slice(layer, name, stream, start_ns, span.duration_ns, category, iteration)

    main = {"layer": _NOT_A_LAYER, "stream": 0}
    yield bar("inference", query.host, "inference", **main)
    yield bar("enqueue", query.enqueue, "enqueue", **main)
    for name, copy in (("copy in", query.device.h2d), ("copy out", query.device.d2h)):
        if copy is not None:
            yield bar(name, copy, "copy", **main)
    for stamp in sorted(query.device.layers, key=lambda s: s.start_ns):
        name = names.get(stamp.layer, f"layer {stamp.layer}")
        span = Span(stamp.start_ns, stamp.end_ns)
        yield bar(name, span, "layer", layer=stamp.layer, stream=stamp.stream)
