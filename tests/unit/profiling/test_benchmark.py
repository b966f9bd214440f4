"""The benchmark's loop and its numbers, on a clock that the target moves."""

import pytest
from fake_target import AsyncTarget, FakeClock, SyncTarget

from trtlab.core.errors import CancelledError, DeviceError, UsageError
from trtlab.profiling.benchmark import BenchmarkOptions, benchmark
from trtlab.profiling.statistics import summarize
from trtlab.profiling.verdicts import verdicts


def run(target, *, cancelled=lambda: False, progress=None, epoch_ns=0, **options):
    options = {"iterations": 10, "duration_seconds": 0.0, "warmup_ms": 0.0, **options}
    return benchmark(
        target,
        BenchmarkOptions(**options),
        epoch_ns=epoch_ns,
        cancelled=cancelled,
        progress=progress,
        now_ns=target.clock,
        sleep=target.clock.sleep,
    )


def test_numbers_of_a_synchronous_target():
    record = run(SyncTarget(FakeClock()), epoch_ns=1_000_000_000)
    assert record.iterations == 10
    assert record.latency_ms.median == pytest.approx(1.2)  # 0.1 + 1.0 + 0.1
    assert record.compute_ms.median == pytest.approx(1.0)
    assert record.h2d_ms.median == record.d2h_ms.median == pytest.approx(0.1)
    assert record.enqueue_ms.median == pytest.approx(0.01)  # without the computing inside
    # each query: 100 in, 10 launch, 1000 compute, 100 out, 5 wait
    assert record.wall_seconds == pytest.approx(10 * 1215e-6)
    assert record.throughput_qps == pytest.approx(1 / 1215e-6)
    assert record.starts_ns[:2] == (0, 1_215_000)
    assert record.samples_ms == pytest.approx((1.2,) * 10)
    assert record.shapes == {"image": (4, 3)}
    assert record.batch == 4
    assert record.verdicts == ()


def test_phases_are_offsets_from_each_querys_start():
    phases = run(SyncTarget(FakeClock()), iterations=2).phases
    assert phases.h2d_start_ns == (0, 0)
    assert phases.enqueue_start_ns == (100_000, 100_000)
    assert phases.enqueue_end_ns == phases.compute_start_ns == (110_000, 110_000)
    assert phases.compute_end_ns == phases.d2h_start_ns == (1_110_000, 1_110_000)
    assert phases.d2h_end_ns == (1_210_000, 1_210_000)


def test_two_queries_are_in_flight_and_the_device_never_waits():
    target = AsyncTarget(FakeClock())
    record = run(target, iterations=4)
    assert target.log[:9] == [
        ("in", 0), ("enqueue", 0), ("out", 0),
        ("in", 1), ("enqueue", 1), ("out", 1),
        ("wait", 0), ("in", 0), ("enqueue", 0),
    ]  # fmt: skip
    assert target.queued == {}
    assert record.latency_ms.median == pytest.approx(1.2)
    assert record.enqueue_ms.median == pytest.approx(0.01)
    # in one queue the device is busy 1200 µs a query, back to back
    assert record.wall_seconds == pytest.approx(4 * 1200e-6)


def test_no_transfers():
    target = SyncTarget(FakeClock())
    record = run(target, transfers=False)
    assert {what for what, _ in target.log} == {"enqueue", "wait"}
    assert record.latency_ms.median == pytest.approx(1.0)
    assert record.h2d_ms.max == 0.0
    assert record.phases.d2h_start_ns == record.phases.d2h_end_ns


def test_both_iterations_and_duration_are_reached():
    # a query takes 1215 µs
    assert run(SyncTarget(FakeClock()), iterations=50, duration_seconds=0.01).iterations == 50
    assert run(SyncTarget(FakeClock()), iterations=3, duration_seconds=0.01).iterations == 9


def test_warm_up_is_thrown_away():
    target = SyncTarget(FakeClock(), compute_us=(50_000, 40_000, 1000))
    record = run(target, warmup_ms=60)
    assert record.warmup_iterations == 2
    assert record.compute_ms.max == pytest.approx(1.0)
    assert target.seeds == [0]


def test_budget_ends_early_and_says_so():
    record = run(SyncTarget(FakeClock()), iterations=1000, budget_seconds=0.01, warmup_ms=1)
    assert record.warmup_iterations == 1
    assert record.iterations == 8
    assert record.verdicts[-1] == (
        "Stopped by the time budget of 0.01 s after 8 of 1000 queries."
    )


def test_budget_allows_one_query_at_least():
    slow = SyncTarget(FakeClock(), compute_us=(2_000_000,))
    assert run(slow, budget_seconds=0.5, warmup_ms=200).iterations == 1


def test_pauses_between_queries():
    record = run(SyncTarget(FakeClock()), idle_ms=2.0, iterations=3)
    assert record.starts_ns[1] - record.starts_ns[0] == 3_215_000
    assert record.latency_ms.median == pytest.approx(1.2)


def test_seed_reaches_the_inputs():
    target = SyncTarget(FakeClock())
    run(target, seed=42)
    assert target.seeds == [42]


def test_progress_rises_to_one():
    told = []
    run(
        SyncTarget(FakeClock(), compute_us=(10_000,)),  # 10 ms, and 0.215 ms around them
        duration_seconds=0.2,
        progress=lambda *what: told.append(what),
    )
    assert told == sorted(told)
    assert told[0] == (0.0, 0)
    assert told[-1] == (1.0, 20)
    assert len(told) == 5  # every 50 ms at most, and the end


@pytest.mark.parametrize("target", [SyncTarget, AsyncTarget])
def test_cancel_leaves_the_target_idle(target):
    target = target(FakeClock())
    with pytest.raises(CancelledError):
        run(target, cancelled=lambda: len(target.log) >= 9, iterations=1000)
    begun = sum(1 for what, _ in target.log if what == "enqueue")
    assert sum(1 for what, _ in target.log if what == "wait") == begun > 1


def test_a_fault_leaves_no_query_behind():
    class Faulty(AsyncTarget):
        def enqueue(self, slot, *, profiled=False):
            if len(self.log) > 6:
                raise DeviceError("an illegal address was read")
            super().enqueue(slot, profiled=profiled)

    target = Faulty(FakeClock())
    with pytest.raises(DeviceError, match="illegal"):
        run(target)
    waits = [slot for what, slot in target.log if what == "wait"]
    assert waits == [0, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"iterations": 0},
        {"iterations": float("nan")},
        {"duration_seconds": -1},
        {"duration_seconds": float("nan")},
        {"duration_seconds": float("inf")},
        {"warmup_ms": -1},
        {"warmup_ms": float("nan")},
        {"idle_ms": float("inf")},
        {"budget_seconds": float("nan")},
    ],
)
def test_options_that_measure_nothing(options):
    with pytest.raises(UsageError, match="measures nothing") as caught:
        run(SyncTarget(FakeClock()), **options)
    assert str(*options.values()) in caught.value.what


def verdict(target, **options):
    (sentence,) = run(target, **options).verdicts
    return sentence


def test_bound_by_the_host():
    sentence = verdict(SyncTarget(FakeClock(), launch_us=900, copy_us=0))
    assert sentence.startswith("Bound by the host: launching a query takes 0.900 ms, 90 %")
    assert sentence.endswith("A larger batch or fewer layers help.")  # no CUDA graph here


def test_at_eighty_percent_not_yet():
    assert run(SyncTarget(FakeClock(), launch_us=800, copy_us=0)).verdicts == ()


def test_bound_by_copies():
    into, out = run(SyncTarget(FakeClock(), copy_us=1000)).verdicts
    assert into.startswith("Bound by copies of the inputs: they take 1.000 ms")
    assert out.startswith("Bound by copies of the outputs")


def test_a_gpus_words_are_for_a_gpu():
    same = summarize([1.0] * 20)
    host, into, out = verdicts(
        enqueue=same, h2d=same, compute=same, d2h=same,
        compute_samples_ms=[1.0] * 20, asynchronous=True,
    )  # fmt: skip
    assert host.endswith("A larger batch, fewer layers or a CUDA graph help.")
    assert into.startswith("Bound by copies to the device: ")
    assert out.startswith("Bound by copies from the device: ")


def test_unstable():
    sentence = verdict(SyncTarget(FakeClock(), compute_us=(1000, 1100) * 5 + (1000,)))
    assert sentence.startswith("Unstable: compute times vary by 4.8 % (more than 2.5 %)")


def test_few_queries():
    assert verdict(SyncTarget(FakeClock()), iterations=3).startswith("Only 3 queries")


def test_too_short_for_the_clock():
    sentence = verdict(SyncTarget(FakeClock(), compute_us=(0,), copy_us=0))
    assert sentence.startswith("Computing is shorter than the clock can tell")
