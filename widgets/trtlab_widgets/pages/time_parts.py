"""Where the time goes: by layer type, and from a layer's medians to a query's latency."""

from collections.abc import Sequence
from html import escape

from trtlab.report.clocks import (
    benchmark_clock,
    clocked_units,
    layers_clock,
    layers_clock_text,
)
from trtlab.report.percent import percent
from trtlab.report.records import Report
from trtlab.report.which_run import WHY, profiled_number, profiled_run
from trtlab_widgets.pages.latency import half_ms, unsure_ms
from trtlab_widgets.pages.markup import (
    element,
    panel,
    stacked_bar,
    swatch,
    table,
    text,
    twin,
)
from trtlab_widgets.pages.text import plural, time_ms, time_us, unexplained
from trtlab_widgets.palette import FAMILIES, family_index, part_colour

REST = "unexplained"
_NOT_COUNTED = ("launch", "hand-over", "wake-up")  # of what trtexec calls latency
_SAME = 0.02  # share by which latencies, or clocks, may differ without a word
_BETWEEN_CLOCKS = ("launch", "wake-up")  # from a stamp of the host to one of the device
_APART = 0.1  # share by which two sums of layers may differ without a word


def type_rows(report: Report) -> list[tuple[int, int, float]]:
    """Family index, number of layers and sum of median microseconds, by falling time."""
    totals: dict[int, tuple[int, float]] = {}
    for layer in report.layers:
        family = family_index(layer.type)
        number, time = totals.get(family, (0, 0.0))
        totals[family] = (number + 1, time + (layer.time_us.median or 0.0))
    rows = [(family, number, time) for family, (number, time) in totals.items()]
    return sorted(rows, key=lambda row: (-row[2], -row[1]))


def time_by_type(report: Report) -> str:
    """One bar: how the layers' time divides among layer types."""
    rows = type_rows(report)
    total = sum(time for _, _, time in rows)
    sizes = [time if total else float(number) for _, number, time in rows]
    parts = [
        (FAMILIES[family].label, size, FAMILIES[family].key)
        for (family, _, _), size in zip(rows, sizes, strict=True)
    ]
    whole = sum(sizes) or 1.0
    top = (
        f"{parts[0][0]} takes {percent(sizes[0] / whole)} of the layers' time" if parts else ""
    )
    message = top if total else "nothing was timed yet"
    legend = [
        element(
            "li",
            swatch(FAMILIES[family].key),
            text("span", FAMILIES[family].label),
            text("b", time_us(time) if total else plural(number, "layer")),
            text("span", percent(size / whole), "t-dim"),
            text("span", plural(number, "layer") if total else "", "t-dim"),
        )
        for (family, number, time), size in zip(rows, sizes, strict=True)
    ]
    bar = stacked_bar(parts, message)
    name = "Time by layer type" if total else "Layers by type"
    told = (f"{profiled_run(report)}; sums of the layers' medians", layers_clock_text(report))
    foot = source("; ".join(filter(None, told))) if total else ""
    return panel(name, message, bar, element("ul", *legend, class_="t-legend is-wide"), foot)


def source(sentence: str) -> str:
    """Which run a panel's times come from."""
    said = escape(sentence[:1].upper() + sentence[1:])
    return element("p", said, class_="t-dim", title=WHY)


def interrupted(report: Report) -> tuple[str, str] | None:
    """Why the layers' medians do not add up to a median inference's layers, if they do not.

    Returns:
        The sentence's state, ``warn`` or ``plain`` where it is as it should be, and the sentence.
    """
    sum_ms = sum(layer.time_us.median or 0.0 for layer in report.layers) / 1e3
    busy_ms = report.reconciliation_ms.get("layers")
    if not sum_ms or not busy_ms or abs(busy_ms / sum_ms - 1) <= _APART:
        return None
    streams = len({layer.stream for layer in report.layers})
    state = "warn"
    if busy_ms > sum_ms:
        why = "something interrupted it"
    elif streams > 1:
        state, why = "plain", f"layers ran side by side on {streams} streams"
    else:
        why = "their times varied between inferences"
    said = (
        f"Layer medians add up to {time_ms(sum_ms)}; a median inference spent"
        f" {time_ms(busy_ms)} in layers: {why}."
    )
    return state, said


def part_name(name: str, value_ms: float) -> str:
    """A part of the latency as people read it; below zero it says in short how that can be."""
    if value_ms >= 0:
        return name
    return "rest (overlap or noise)" if name == REST else f"{name} (noise)"


def below_zero(name: str, report: Report) -> str:
    """How a part can be below zero, as a whole sentence; empty for one that is not.

    Parts that were timed in inferences of their own may add up to more than the latency. What
    lies between a GPU's time stamp and the host's is known no better than how their clocks
    compare.
    """
    if report.reconciliation_ms.get(name, 0.0) >= 0:
        return ""
    if name == REST:
        return (
            "The rest is below zero: the parts were timed in inferences of their own and add up"
            " to more than the latency, by overlap or noise."
        )
    part = name[:1].upper() + name[1:]
    if name not in _BETWEEN_CLOCKS:
        return f"{part} is below zero, which is noise: the time stamps are no finer than that."
    unsure_ns = 0 if report.benchmark is None else report.benchmark.clock_uncertainty_ns
    known = f"; each comparison may be off by {time_us(unsure_ns / 1e3)}" if unsure_ns else ""
    return (
        f"{part} is below zero, which is noise: it lies between a time stamp of the device and"
        f" one of the host, two clocks that have to be compared{known}."
    )


def reconciliation(report: Report) -> str:
    """The parts that add up to the measured latency, with the unexplained rest shown."""
    parts = list(report.reconciliation_ms.items())
    if not parts:
        return ""
    total = sum(value for _, value in parts)
    message = unexplained(report.reconciliation_ms.get(REST, 0.0), total, unsure_ms(report))
    coloured = [(name, value, part_colour(name)) for name, value in parts]
    legend = [
        _part(name, value, total, colour, below_zero(name, report))
        for name, value, colour in coloured
    ]
    rows = [(part_name(name, value), (time_ms(value), "t-num")) for name, value in parts]
    notes = [text("p", why, "t-dim") for name, _ in parts if (why := below_zero(name, report))]
    return panel(
        "Where one inference's time goes",
        message,
        stacked_bar(coloured, message),
        element("ul", *legend, class_="t-legend"),
        *notes,
        text("p", _whole(report, total), "t-dim"),
        *([text("p", apart)] if (apart := headline_apart(report)) else []),
        source(f"{_profiled(parts)}: {profiled_run(report)}; all else: without time stamps"),
        twin(table(["Part", ("Time", "t-num")], rows)),
    )


def _profiled(parts: Sequence[tuple[str, float]]) -> str:
    """The parts that come from runs with time stamps, as a list of words."""
    names = [name for name, _ in parts if name in ("layers", "gaps", "begin and end")]
    return ", ".join(names)


def _whole(report: Report, total_ms: float) -> str:
    """Which inferences the whole is of."""
    unsure = unsure_ms(report)
    known = f" ± {time_ms(unsure)} (95 %)" if unsure else ""
    number = profiled_number(report)
    turns = f"took turns with the {number:,} profiled ones" if number else "ran for it"
    return (
        f"The whole, {time_ms(total_ms)}{known}, is the median of the plain inferences that"
        f" {turns}, one at a time, from the host's call until it holds the results."
    )


def headline_apart(report: Report) -> str:
    """Why the whole that is divided is not the benchmark's latency; empty where it is."""
    run, parts = report.benchmark, report.reconciliation_ms
    if run is None or not parts:
        return ""
    whole = sum(parts.values())
    latency, half = run.latency_ms.median, half_ms(run.latency_ms)
    noise = max(half + unsure_ms(report), _SAME * latency)
    if abs(whole - latency) <= noise:
        return ""
    counted = whole - sum(parts.get(name, 0.0) for name in _NOT_COUNTED)
    said = (
        f"The benchmark's median latency, {time_ms(latency)} ± {time_ms(half)}, is of other"
        " inferences and counts only copies and computing"
    )
    here = f"; counted so, those here take {time_ms(counted)}"
    if abs(counted - latency) <= noise:
        return f"{said}{here}."
    more = "more" if counted > latency else "less"
    share = percent(abs(counted / latency - 1) if latency else None)
    return f"{said}{here}, {share} {more}: {_why_apart(report, slower=counted > latency)}."


def _why_apart(report: Report, *, slower: bool) -> str:
    """What is known to differ between the two; that they ran at other times, where nothing is."""
    ran, timed = benchmark_clock(report), layers_clock(report)
    units = clocked_units(report)
    why: list[str] = []
    if not slower and _overlaps(report):
        why.append("begins the next inference before one ends")
    if ran is not None and timed is not None:
        faster = timed.median_mhz / ran.median_mhz - 1
        if abs(faster) > _SAME and (faster < 0) == slower:
            why.append(f"ran with {units} at {ran}, these at {timed}")
    if why:
        return f"the benchmark {' and '.join(why)}"
    return "they ran after the benchmark, when clocks or what else the machine did were others"


def _overlaps(report: Report) -> bool:
    """Whether most of the benchmark's queries began before the one ahead of them had ended."""
    run = report.benchmark
    if run is None or len(run.starts_ns) < 2:
        return False
    pairs = zip(run.starts_ns, run.samples_ms, run.starts_ns[1:], strict=False)
    early = sum(next_ns < start_ns + took_ms * 1e6 for start_ns, took_ms, next_ns in pairs)
    return 2 * early > len(run.starts_ns) - 1


def _part(name: str, value_ms: float, total_ms: float, colour: str, why: str) -> str:
    """A line of the legend; a time below zero is no part of the bar and has no colour."""
    said = part_name(name, value_ms)
    square = swatch(colour) if value_ms >= 0 else element("span", class_="t-swatch")
    return element(
        "li",
        square,
        element("span", escape(said[:1].upper() + said[1:]), title=why or said),
        text("b", time_ms(value_ms)),
        text("span", percent(value_ms / total_ms if total_ms else None), "t-dim"),
    )
