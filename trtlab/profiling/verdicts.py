"""What the numbers of a benchmark mean, in plain sentences.

Thresholds are trtexec's (sampleReporting.cpp): enqueue above 80 % of compute, copies as long
as compute, a coefficient of variation above 2.5 %.
"""

from collections.abc import Iterator, Sequence

from trtlab.profiling.statistics import coefficient_of_variation
from trtlab.report.percent import percent
from trtlab.report.records import Summary

_ENQUEUE_SHARE = 0.8
_VARIATION = 0.025
_FEW = 10
# By whether the device runs beside the host: what helps against launches; what copies are called
# and what helps against them.
_LAUNCHES = {
    True: "A larger batch, fewer layers or a CUDA graph help.",
    False: "A larger batch or fewer layers help.",
}
_COPIES = {
    True: ("to the device", "from the device", "Keep data on the device or copy less."),
    False: ("of the inputs", "of the outputs", "Bind your own arrays, or copy less."),
}


def verdicts(
    *,
    enqueue: Summary,
    h2d: Summary,
    compute: Summary,
    d2h: Summary,
    compute_samples_ms: Sequence[float],
    asynchronous: bool,
) -> Iterator[str]:
    """Sentences about what bounds the throughput and how far the numbers can be trusted.

    Args:
        enqueue: The host's part of launching a query.
        h2d: Copying a query's inputs in.
        compute: Computing.
        d2h: Copying its outputs out.
        compute_samples_ms: Computing, query by query.
        asynchronous: The device runs beside the host and has memory of its own, as GPUs do.
    """
    if compute.median <= 0:
        yield "Computing is shorter than the clock can tell; only the throughput counts."
        return
    share = enqueue.median / compute.median
    if share > _ENQUEUE_SHARE:
        yield (
            f"Bound by the host: launching a query takes {enqueue.median:.3f} ms, {percent(share)}"
            f" of its {compute.median:.3f} ms of computing (more than {percent(_ENQUEUE_SHARE)})."
            f" {_LAUNCHES[asynchronous]}"
        )
    into, out, advice = _COPIES[asynchronous]
    for words, copy in ((into, h2d), (out, d2h)):
        if copy.median >= compute.median:
            yield (
                f"Bound by copies {words}: they take {copy.median:.3f} ms, computing"
                f" {compute.median:.3f} ms. {advice}"
            )
    variation = coefficient_of_variation(compute_samples_ms)
    if variation is not None and variation > _VARIATION:
        yield (
            f"Unstable: compute times vary by {percent(variation)}"
            f" (more than {percent(_VARIATION)});"
            " look at clocks, temperature and other programs before comparing."
        )
    if len(compute_samples_ms) < _FEW:
        yield (
            f"Only {len(compute_samples_ms)} queries were timed: too few for percentiles or a"
            " firm median."
        )
