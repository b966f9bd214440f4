"""What a notebook shows of a report: one static card without scripts, for any theme.

Colours derive from the surrounding text colour (``currentColor``) and the notebook's own
variables with fallbacks, so saved outputs stay readable anywhere, light or dark. All names are
escaped: they come from model files.
"""

from collections.abc import Iterable
from html import escape

from trtlab.report.clocks import layers_clock_text, sums_apart
from trtlab.report.conditions import conditions
from trtlab.report.percent import percent
from trtlab.report.quantity import nbytes
from trtlab.report.records import BenchmarkRecord, LayerRecord, Report
from trtlab.report.short_name import short_name
from trtlab.report.which_run import BENCHMARK, WHY, profiled_run

_TOP = 5
_LETTERS = 36  # of a layer's name; so many fit beside its bar
_ACCENT = "var(--jp-brand-color1, #4c78a8)"
_WARN = "var(--jp-warn-color1, #b45309)"
_CARD = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45;"
    "color:var(--jp-ui-font-color1,inherit);max-width:760px;padding:10px 14px;"
    "border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:6px;"
    "box-sizing:border-box;overflow-wrap:anywhere"
)
_FAINT = "opacity:.75"
_CLIPPED = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_ROW = (
    "display:grid;grid-template-columns:minmax(80px,240px) minmax(0,1fr) 150px;gap:8px;"
    "align-items:center"
)


def summary_html(report: Report) -> str:
    """The summary card: conditions, latency with spread, top layers, verdicts, warnings."""
    name = escape(report.model.name)
    depends = " · ".join(_unbroken(fact) for fact in conditions(report))
    parts = [
        f'<div title="{name}" style="font-size:15px;font-weight:600;{_CLIPPED}">{name}</div>',
        f'<div style="{_FAINT}">{depends}</div>',
    ]
    if report.benchmark is not None:
        parts.append(_headline(report.benchmark))
    parts.append(_build_line(report))
    parts.append(_top_layers(report))
    parts.append(_sentences(_verdicts(report)))
    return f'<div class="trtlab-report" style="{_CARD}">{"".join(parts)}</div>'


def _unbroken(fact: str) -> str:
    """A fact that moves to the next line as a whole."""
    return f'<span style="display:inline-block;max-width:100%">{escape(fact)}</span>'


def _headline(benchmark: BenchmarkRecord) -> str:
    latency = benchmark.latency_ms
    spread = (
        f"95 % interval of the median {_ms(latency.median_low)} – {_ms(latency.median_high)}, "
        f"p99 {_ms(latency.p99)}, {benchmark.iterations} queries ({BENCHMARK})"
    )
    return (
        '<div style="margin:8px 0 2px"><span style="font-size:20px;font-weight:600">'
        f"{_ms(latency.median)}</span> median latency &nbsp; "
        f'<span style="font-size:20px;font-weight:600">{benchmark.throughput_qps:,.1f}</span>'
        f' queries/s</div><div title="{escape(WHY)}" style="{_FAINT}">{spread}</div>'
    )


def _build_line(report: Report) -> str:
    build, memory = report.build, report.memory
    words = (
        f"built in {build.seconds:.2f} s, {report.model.nodes} nodes → "
        f"{len(report.layers)} layers, {build.tactics_tried} tactics considered · "
        f"engine {nbytes(build.engine_bytes)}, activations {nbytes(memory.arena_bytes)}"
    )
    most = memory.arena_max_bytes
    if most is not None and most > memory.arena_bytes:
        words += f" (at the profiles' max {nbytes(most)})"
    return f'<div style="{_FAINT}">{words}</div>'


def _top_layers(report: Report) -> str:
    timed = [(r, r.time_us.median) for r in report.layers]
    known = sorted(((m, r) for r, m in timed if m is not None), key=lambda pair: -pair[0])
    total_us = sum(m for m, _ in known)
    if not total_us:
        return ""
    rows = "".join(_bar(r, m, m / total_us, m / known[0][0]) for m, r in known[:_TOP])
    shown = percent(sum(m for m, _ in known[:_TOP]) / total_us)
    caption = (
        f"slowest {min(_TOP, len(known))} of {len(known)} layers: {shown} of layer time"
        f" ({'; '.join(filter(None, (profiled_run(report), layers_clock_text(report))))})"
    )
    return (
        f'<div title="{escape(WHY)}" style="margin-top:8px;{_FAINT}">{caption}</div>'
        f'<div role="list">{rows}</div>'
    )


def _bar(record: LayerRecord, median_us: float, share: float, width: float) -> str:
    """One row: name, bar, figures; a grid, because notebooks restyle tables."""
    name = escape(short_name(record.name, _LETTERS))
    tip = escape(f"{record.name}: {record.type}, {record.tactic}")
    return (
        f'<div role="listitem" title="{tip}" style="{_ROW}">'
        f'<span style="{_CLIPPED}">{name}</span>'
        f'<span style="background:{_ACCENT};height:11px;border-radius:2px;'
        f'width:{100 * width:.1f}%"></span>'
        f'<span style="text-align:right;white-space:nowrap">'
        f"{median_us:,.1f} µs · {percent(share)}</span></div>"
    )


def _verdicts(report: Report) -> Iterable[tuple[str, str]]:
    """Sentences with the colour of their rule."""
    if report.benchmark is not None:
        yield from ((v, _WARN) for v in report.benchmark.verdicts)
    if report.telemetry is not None and report.telemetry.verdict:
        yield report.telemetry.verdict, _WARN if report.telemetry.throttling else _ACCENT
    apart = sums_apart(report)
    if apart:
        yield apart, _ACCENT
    yield from ((w, _WARN) for w in report.warnings)


def _sentences(verdicts: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<div style="margin-top:6px;padding-left:8px;border-left:3px solid {colour}">'
        f"{escape(text)}</div>"
        for text, colour in verdicts
    )


def _ms(value_ms: float) -> str:
    return f"{value_ms:.3f} ms" if value_ms < 100 else f"{value_ms:.1f} ms"
