"""Layer samples, bars and the reconciliation, on a clock that the target moves."""

from dataclasses import replace

import pytest
from fake_target import FakeClock, SyncTarget
from small_report import LAYERS

from trtlab.core.errors import CancelledError
from trtlab.profiling.benchmark import BenchmarkOptions
from trtlab.profiling.layers import (
    ProfileOptions,
    busy_ns,
    gaps_ns,
    layer_samples,
    profile_layers,
    with_samples,
)
from trtlab.profiling.measure import MeasureOptions, measure
from trtlab.profiling.query import Query
from trtlab.profiling.reconciliation import reconcile
from trtlab.profiling.target import LayerStamp, QueryStamps, Span
from trtlab.profiling.timeline import timeline

TWO_LAYERS = ((0, 300), (1, 600))


def turns(target, **options):
    return profile_layers(target, ProfileOptions(**options), now_ns=target.clock)


def profiled(target, **options):
    return turns(target, **options).profiled


def test_every_iteration_is_a_sample():
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    queries = profiled(target, iterations=7, warmup_iterations=2)
    assert len(queries) == 7
    assert [what for what, _ in target.log].count("profiled") == 9
    samples = layer_samples(queries)
    assert samples[0].samples == (300.0,) * 7
    assert samples[1].median == 600.0


def test_records_take_their_samples_by_index():
    queries = profiled(SyncTarget(FakeClock(), layers=TWO_LAYERS), iterations=3)
    never_ran = replace(LAYERS[0], index=9)
    conv, gemm, other = with_samples((*LAYERS, never_ran), queries)
    assert conv.time_us.samples == (300.0,) * 3
    assert gemm.time_us.median == 600.0
    assert other.time_us.samples == ()


def query(*stamps):
    compute = Span(0, 10_000)
    return Query(compute, compute, QueryStamps(compute, layers=stamps))


def test_several_kernels_of_a_layer_add_up():
    stamps = (LayerStamp(0, 0, 0, 1000), LayerStamp(0, 0, 2000, 2500))
    assert layer_samples([query(*stamps)])[0].samples == (1.5,)


@pytest.mark.parametrize(
    ("spans", "busy", "gaps"),
    [
        ((), 0, 0),
        (((0, 10),), 10, 0),
        (((0, 10), (15, 20)), 15, 5),
        (((0, 10), (5, 20)), 20, 0),  # side by side on two streams
        (((0, 30), (5, 20), (40, 50)), 40, 10),
        (((40, 50), (0, 10), (10, 20)), 30, 20),
    ],
)
def test_busy_time_counts_overlaps_once(spans, busy, gaps):
    stamps = [LayerStamp(i, i, start, end) for i, (start, end) in enumerate(spans)]
    assert busy_ns(stamps) == busy
    assert gaps_ns(stamps) == gaps


def test_plain_queries_take_turns_with_the_profiled_ones():
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    found = turns(target, iterations=7, warmup_iterations=2)
    asked = [what for what, _ in target.log if what in {"enqueue", "profiled"}]
    letters = "".join(what[0] for what in asked)
    assert letters == "eepp" + "eeeppp" * 2 + "ep"
    assert (len(found.plain), len(found.profiled)) == (7, 7)
    assert not any(q.device.layers for q in found.plain)
    assert all(len(q.device.layers) == 2 for q in found.profiled)


def test_copies_are_chosen_for_each_kind():
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    plain, stamped = profile_layers(target, transfers=False, now_ns=target.clock)
    assert {q.device.h2d for q in plain} == {None}
    assert None not in {q.device.d2h for q in stamped}


@pytest.mark.parametrize(
    ("budget", "plain", "stamped"), [(0.0, 1, 1), (2.5, 3, 1), (4.5, 3, 2), (7.5, 5, 4)]
)
def test_profiling_stops_at_its_budget(budget, plain, stamped):
    target = SyncTarget(FakeClock(), compute_us=(1_000_000,), layers=((0, 1_000_000),))
    found = turns(target, iterations=50, warmup_iterations=0, budget_seconds=budget)
    assert (len(found.plain), len(found.profiled)) == (plain, stamped)


def test_every_inference_of_the_turns_is_told():
    told = []
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    options = ProfileOptions(iterations=5, warmup_iterations=1)
    profile_layers(
        target, options, progress=lambda *what: told.append(what), now_ns=target.clock
    )
    assert told == sorted(told)
    assert {begun for _, begun in told} == set(range(11))
    assert {begun: share for share, begun in told}[5] == 0.5
    assert told[-1] == (1.0, 10)


def test_progress_of_slow_inferences_follows_the_budget():
    told = []
    second = {"compute_us": (1_000_000,), "layers": ((0, 1_000_000),), "copy_us": 0}
    target = SyncTarget(FakeClock(), launch_us=0, **second)
    options = ProfileOptions(iterations=50, warmup_iterations=0, budget_seconds=8.0)
    profile_layers(
        target, options, progress=lambda *what: told.append(what), now_ns=target.clock
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert {begun: share for share, begun in told}[4] == pytest.approx(0.5, abs=0.01)
    assert told[-1] == (1.0, 9)  # one of each kind is always run


def test_profiling_can_be_cancelled():
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    with pytest.raises(CancelledError):
        profile_layers(target, cancelled=lambda: len(target.log) > 20, now_ns=target.clock)
    assert len(target.log) < 26  # the inference that followed was never begun


def test_timeline():
    target = SyncTarget(FakeClock(), layers=TWO_LAYERS)
    queries = profiled(target, iterations=5, warmup_iterations=0)
    bars = timeline(queries, LAYERS, epoch_ns=queries[0].host.start_ns, iterations=2)
    first = [
        (b.name, b.category, b.layer, b.stream, b.start_ns, b.duration_ns)
        for b in bars
        if b.iteration == 0
    ]
    # 100 in, 10 launch, 300 + 1 + 600 + 1 layers, 100 out, 5 wait
    assert first == [
        ("inference", "inference", -1, 0, 0, 1_117_000),
        ("enqueue", "enqueue", -1, 0, 100_000, 10_000),
        ("copy in", "copy", -1, 0, 0, 100_000),
        ("copy out", "copy", -1, 0, 1_012_000, 100_000),
        ("conv", "layer", 0, 0, 110_000, 300_000),
        ("gemm", "layer", 1, 1, 411_000, 600_000),
    ]
    assert {b.iteration for b in bars} == {0, 1}
    assert len(timeline(queries, LAYERS, iterations=None)) == 5 * 6


def test_parts_add_up_to_the_whole():
    target = SyncTarget(FakeClock(), compute_us=(950,), layers=TWO_LAYERS)
    parts = reconcile(turns(target, iterations=5))
    assert parts == pytest.approx(
        {
            "launch": 0.010,
            "copy in": 0.100,
            "layers": 0.900,
            "gaps": 0.001,
            "hand-over": 0.0,
            "copy out": 0.100,
            "wake-up": 0.005,
            "unexplained": 0.049,  # the plain run computes 950 µs, the stamps tell of 901
        }
    )
    assert sum(parts.values()) == pytest.approx(1.165)


class HandingOver(SyncTarget):
    """Another stream copies the results; it begins 7 µs after computing has ended."""

    def transfer_out(self, slot):
        self.clock.ns += 7_000
        super().transfer_out(slot)


def test_what_passes_before_the_copy_out_is_explained():
    target = HandingOver(FakeClock(), compute_us=(902,), layers=TWO_LAYERS)
    parts = reconcile(turns(target, iterations=5))
    assert parts["hand-over"] == pytest.approx(0.007)
    assert parts["unexplained"] == pytest.approx(0.001)  # the gap behind the last layer
    assert sum(parts.values()) == pytest.approx(1.124)
    bare = profile_layers(
        target, ProfileOptions(iterations=5), transfers=False, now_ns=target.clock
    )
    assert reconcile(bare)["hand-over"] == 0.0


class TellingEdges(SyncTarget):
    """A GPU whose graph begins and ends beyond the layers."""

    def synchronize(self, slot):
        stamps = super().synchronize(slot)
        return replace(stamps, edges_ns=6_000) if stamps.layers else stamps


def test_what_a_graph_takes_beyond_its_layers_is_a_part():
    target = TellingEdges(FakeClock(), compute_us=(906,), layers=TWO_LAYERS)
    parts = reconcile(turns(target, iterations=5))
    assert list(parts).index("begin and end") == list(parts).index("gaps") + 1
    assert parts["begin and end"] == pytest.approx(0.006)
    assert parts["unexplained"] == pytest.approx(906e-3 - 901e-3 - 6e-3)
    assert sum(parts.values()) == pytest.approx(1.121)


class Slowing(SyncTarget):
    """A GPU whose clocks fall under its load: each query takes 10 µs more."""

    def enqueue(self, slot, *, profiled=False):
        us = self.compute_us.popleft() + 10
        self.compute_us.append(us)
        self.layers = ((0, us - 1),)  # a gap of 1 µs follows
        super().enqueue(slot, profiled=profiled)


def test_falling_clocks_do_not_come_between_the_parts_and_the_whole():
    parts = reconcile(turns(Slowing(FakeClock())))
    assert parts["layers"] > 1.5
    assert abs(parts["unexplained"]) < 0.04


def test_all_measurements_in_one_go():
    target = SyncTarget(FakeClock(), compute_us=(902,), layers=TWO_LAYERS)
    told = []
    options = MeasureOptions(
        BenchmarkOptions(duration_seconds=0.05, warmup_ms=1), ProfileOptions(4), 1
    )
    epoch_ns = target.clock.ns
    result = measure(
        target, LAYERS, options, epoch_ns=epoch_ns, progress=told.append, now_ns=target.clock
    )
    assert result.benchmark.latency_ms.median == pytest.approx(1.102)
    assert [r.time_us.median for r in result.layers] == [300.0, 600.0]
    assert len(result.timeline) == 6
    assert result.timeline[0].start_ns > result.benchmark.starts_ns[-1]
    first, last = result.layers_span_ns
    assert first == result.timeline[0].start_ns
    assert last <= target.clock.ns - epoch_ns
    assert last - first > 4 * 1_000_000  # four profiled queries and plain ones between them
    assert sum(result.reconciliation_ms.values()) == pytest.approx(1.117)
    assert result.single_ms.median == pytest.approx(1.117)
    assert target.seeds == [0]
    assert list(dict.fromkeys(step.phase for step in told)) == [
        "Warming up",
        "Measuring",
        "Timing layers",
    ]
    last = {step.phase: (step.count, step.message) for step in told}
    assert last["Measuring"] == ("100 %", f"{result.benchmark.iterations} inferences")
    assert last["Timing layers"] == ("100 %", "8 inferences")  # 4 of each kind
