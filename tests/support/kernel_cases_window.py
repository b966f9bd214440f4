"""Cases of layers that combine elements along axes or under a window."""

from kernel_conformance import Case, Spec

from trtlab.core.enums import PaddingMode, PoolingType, ReduceOperation
from trtlab.core.types import DataType
from trtlab.layers.normalization import LRN, Normalization
from trtlab.layers.pooling import Pooling
from trtlab.layers.reduction import Reduce, SoftMax

HALF = DataType.HALF
HWC = (Spec((), hwc=True),)
LONE = Spec((37, 1), strides=(2, 1))  # one column of several: no neighbour to do at once


def _softmaxes():
    for log in (False, True):
        tail = "-log" if log else ""
        for axis in range(3):
            op = SoftMax((axis,), log)
            yield Case(
                f"axis-{axis}{tail}", op, (Spec((3, 37, 53), low=-9, high=9),), atol=4e-6
            )
        yield Case(f"rows{tail}", SoftMax((1,), log), (Spec((5, 1000)),), atol=4e-6)
        yield Case(f"short{tail}", SoftMax((2,), log), (Spec((4, 9, 3)),), atol=4e-6)
        yield Case(
            f"hwc{tail}", SoftMax((1,), log), (Spec((2, 21, 3, 5), hwc=True),), HWC, atol=4e-6
        )
        yield Case(f"lone-column{tail}", SoftMax((0,), log), (LONE,), (LONE,), atol=4e-6)
        yield Case(f"lone-source{tail}", SoftMax((0,), log), (LONE,), atol=4e-6)
    yield Case("image", SoftMax((1,)), (Spec((2, 21, 3, 50)),))
    yield Case("two-axes", SoftMax((1, 2)), (Spec((3, 5, 7)),))
    yield Case("empty", SoftMax((1,)), (Spec((0, 40)),))
    yield Case("far", SoftMax((1,)), (Spec((5, 40), low=-1e4, high=1e4),))
    yield Case("holes", SoftMax((1,)), (Spec((5, 40), hole=3),), (Spec((), hole=5),))
    yield Case("half", SoftMax((1,)), (Spec((5, 40), HALF),))


def _normalizations():
    row = Spec((1, 1, 53), low=0.5, constant=True)
    for rms in (False, True):
        tail = "-rms" if rms else ""
        layer = Normalization((2,), rms=rms)
        weights = (Spec((3, 7, 53)), row, None if rms else row)
        yield Case(f"layer{tail}", layer, weights, rtol=1e-5, atol=1e-5)
        yield Case(f"bare{tail}", layer, (Spec((3, 7, 53)), None, None), rtol=1e-5, atol=1e-5)
    loose = {"rtol": 1e-5, "atol": 2e-5}
    flat = Spec((53,), constant=True)
    yield Case(
        "far",
        Normalization((2,)),
        (Spec((3, 7, 53), low=99, high=101), flat, flat),
        rtol=1e-3,
        atol=1e-3,
    )
    yield Case("empty", Normalization((1,)), (Spec((0, 53)), flat, flat))
    plane = Spec((7, 53), constant=True)
    yield Case("two-axes", Normalization((1, 2)), (Spec((3, 7, 53)), plane, plane), **loose)
    yield Case(
        "holes",
        Normalization((1,)),
        (Spec((9, 53), hole=4), flat, flat),
        (Spec((), hole=2),),
        **loose,
    )
    channel = Spec((1, 12, 1, 1), constant=True)
    for hwc in (False, True):
        x = Spec((2, 12, 9, 7), hwc=hwc)
        out, tail = (Spec((), hwc=hwc),), "-hwc" if hwc else ""
        yield Case(
            f"instance{tail}", Normalization((2, 3)), (x, channel, channel), out, **loose
        )
        group = Normalization((2, 3), num_groups=4)
        yield Case(f"group{tail}", group, (x, channel, channel), out, **loose)
        each = Spec((1, 4, 1, 1), constant=True)
        yield Case(f"group-weights{tail}", group, (x, each, each), out, **loose)
        one = Normalization((1, 2, 3))
        yield Case(f"whole{tail}", one, (x, channel, channel), out, **loose)
        channels = Normalization((1,))
        yield Case(f"channels{tail}", channels, (x, channel, channel), out, **loose)
    weights = Spec((37, 1), constant=True)
    yield Case("lone-column", Normalization((0,)), (LONE, weights, weights), (LONE,), **loose)
    yield Case(
        "half", Normalization((1,)), (Spec((9, 53), HALF), Spec((53,), HALF), None), atol=1e-3
    )
    for hwc in (False, True):
        x, out, tail = (
            Spec((2, 19, 5, 7), hwc=hwc),
            (Spec((), hwc=hwc),),
            "-hwc" if hwc else "",
        )
        yield Case(f"five{tail}", LRN(5, 0.1, 0.75, 1.0), (x,), out, rtol=1e-5)
        yield Case(f"four{tail}", LRN(4, 0.1, 0.5, 2.0), (x,), out, rtol=1e-5)
        yield Case(f"wide{tail}", LRN(41, 0.1, 0.6, 2.0), (x,), out, rtol=1e-5)
    lone = Spec((1, 19, 1, 1), strides=(38, 2, 1, 1))
    yield Case("lone-column", LRN(5, 0.1), (lone,), (lone,), rtol=1e-5)
    yield Case("holes", LRN(5, 0.1), (Spec((2, 19, 5, 7), hwc=True, hole=5),), HWC, rtol=1e-5)


def _reductions():
    shape = (3, 5, 7, 41)
    for op in ReduceOperation:
        for axes in ((3,), (1,), (0,), (2, 3), (0, 2), (1, 3), ()):
            for keep in (True, False) if axes == (2, 3) else (True,):
                name = f"{op.value}-{','.join(map(str, axes))}{'' if keep else '-flat'}"
                low = 0.7 if op is ReduceOperation.PROD else -2
                high = 1.2 if op is ReduceOperation.PROD else 2
                spec = Spec(shape, low=low, high=high)
                yield Case(name, Reduce(op, axes, keep), (spec,), rtol=2e-5, atol=1e-4)
    pixels = Spec((2, 37, 7, 9), hwc=True)
    for op in (ReduceOperation.AVG, ReduceOperation.MAX):
        for keep in (True, False):
            name = f"{op.value}-global-hwc-{keep}"
            yield Case(name, Reduce(op, (2, 3), keep), (pixels,), HWC if keep else ())
    yield Case("channels-hwc", Reduce(ReduceOperation.SUM, (1,)), (pixels,), HWC, atol=1e-5)
    yield Case("holes", Reduce(ReduceOperation.SUM, (1,)), (Spec((5, 41), hole=3),), atol=1e-5)
    yield Case("lone-column", Reduce(ReduceOperation.SUM, (0,)), (LONE,), atol=1e-5)
    yield Case("int", Reduce(ReduceOperation.SUM, (0,)), (Spec((5, 41), DataType.INT32),))
    yield Case("half", Reduce(ReduceOperation.AVG, (1,)), (Spec((5, 41), HALF),))
    yield Case("long", Reduce(ReduceOperation.SUM), (Spec((100_003,)),), atol=2e-3)


def _poolings():
    base = {
        "window_size_nd": (3, 3),
        "stride_nd": (2, 2),
        "pre_padding": (1, 1),
        "post_padding": (1, 1),
    }
    up, lower = PaddingMode.EXPLICIT_ROUND_UP, PaddingMode.SAME_LOWER
    shapes = {
        "resnet": base,
        "plain": {"window_size_nd": (2, 2), "stride_nd": (2, 2)},
        "one-step": {"window_size_nd": (3, 3), "pre_padding": (1, 1), "post_padding": (1, 1)},
        "five": {"window_size_nd": (5, 5), "pre_padding": (2, 2), "post_padding": (2, 2)},
        "ceil": base | {"pre_padding": (0, 0), "post_padding": (0, 0), "padding_mode": up},
        "same": {"window_size_nd": (3, 2), "stride_nd": (2, 3), "padding_mode": lower},
        "apart": {"window_size_nd": (3, 3), "dilation_nd": (2, 2), "stride_nd": (1, 2)},
        "uneven": base | {"pre_padding": (0, 2), "post_padding": (2, 0), "stride_nd": (1, 3)},
    }
    for hwc in (False, True):
        x, out, tail = (
            Spec((2, 19, 13, 41), hwc=hwc),
            (Spec((), hwc=hwc),),
            "-hwc" if hwc else "",
        )
        for name, options in shapes.items():
            for kind in (PoolingType.MAX, PoolingType.AVERAGE):
                yield Case(f"{name}-{kind.value}{tail}", Pooling(kind, **options), (x,), out)
            counted = Pooling(
                PoolingType.AVERAGE, **options, average_count_excludes_padding=False
            )
            yield Case(f"{name}-counted{tail}", counted, (x,), out)
        blend = Pooling(PoolingType.MAX_AVERAGE_BLEND, **base, blend_factor=0.3)
        yield Case(f"blend{tail}", blend, (x,), out)
        whole = Pooling(PoolingType.AVERAGE, (13, 41))
        yield Case(f"global{tail}", whole, (x,), out)
    yield Case("empty", Pooling(PoolingType.MAX, **base), (Spec((0, 5, 9, 9)),))
    held = Spec((2, 19, 13, 41), hwc=True, hole=13)
    yield Case("holes", Pooling(PoolingType.MAX, **base), (held,), (held,))
    line = Pooling(PoolingType.AVERAGE, (3,), (2,), (1,), (1,))
    yield Case("line", line, (Spec((2, 19, 41)),))
    cube = Pooling(PoolingType.MAX, (2, 3, 2), (2, 1, 2))
    yield Case("cube", cube, (Spec((2, 3, 6, 7, 8)),))
    yield Case("half", Pooling(PoolingType.MAX, **base), (Spec((1, 3, 9, 9), HALF),))


WINDOW_CASES = [*_softmaxes(), *_normalizations(), *_reductions(), *_poolings()]
