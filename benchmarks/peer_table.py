"""What gpu_peers.py measured, as tables for a terminal and for the README.

python benchmarks/peer_table.py FILE      of --json: the README's table, needs no GPU
"""

import json
import sys
from collections.abc import Sequence
from math import exp, log
from pathlib import Path

Row = dict[str, float | str | list[object] | dict[str, float]]

LEAST_SHOWN_MS = 0.0005
NAMES = {
    "resnet50": "ResNet-50",
    "bert_base": "BERT-base, 128 tokens",
    "vit_b16": "ViT-B/16",
    "mobilenet_v2": "MobileNet-v2",
}
COLUMNS = {  # heading: key, format
    "trtlab ms": ("trtlab_ms", ".3f"),
    "±": ("trtlab_spread", ".1%"),
    "torch ms": ("torch_compile_ms", ".3f"),
    "±t": ("torch_spread", ".1%"),
    "ratio": ("ratio", ".2f"),
    "ORT ms": ("onnxruntime_ms", ".3f"),
    "ORT ratio": ("onnxruntime_ratio", ".2f"),
    "SM MHz": ("sm_clock_mhz", ",.0f"),
    "floor ms": ("floor_ms", ".3f"),
    "of floor": ("of_floor", ".0%"),
    "layers ms": ("layers_ms", ".3f"),
    "layers": ("of_replay", ".1%"),
    "trtlab MB": ("trtlab_mb", ".1f"),
    "torch MB": ("torch_mb", ".1f"),
    "enqueue µs": ("enqueue_us", ".1f"),
    "differ": ("differ", ".1e"),
    "ORT's": ("onnxruntime_differ", ".1e"),
    "build s": ("build_s", ".1f"),
    "timed": ("times_here", ".0f"),
    "cached": ("times_from_cache", ".0f"),
}

LEGEND = (
    "± is half the distance between the quartiles of a case's replays; the clock is the median"
    " while they ran; layers are the sum of the layers' times, as a share of the replays right"
    " before and behind; enqueue is what the host spends in one call of `execute_async_v3`;"
    " builds began with empty caches but where they say cached."
)


def table(rows: Sequence[Row]) -> str:
    """The rows for people, the means last."""
    lines = [f"{'case':17}" + "".join(f"{h:>11}" for h in COLUMNS)]
    for row in rows:
        values = _with_shares(row)
        cells = [format(values[k], f) if k in values else "–" for k, f in COLUMNS.values()]
        lines.append(f"{row['case']:17}" + "".join(f"{c:>11}" for c in cells))
    lines.append(f"geometric mean of torch.compile's ratios: {mean_ratio(rows, 'ratio'):.3f}")
    found = [r for r in rows if "onnxruntime_ratio" in r]
    if found:
        mean = mean_ratio(found, "onnxruntime_ratio")
        lines.append(f"geometric mean of ONNX Runtime's ratios:  {mean:.3f}")
    if any(r.get("onnxruntime_waits") for r in rows):
        lines.append("ONNX Runtime waited for its replays: its times include the gaps between")
    return "\n".join(lines)


def rest_table(rows: Sequence[Row]) -> str:
    """Where time beyond the layers' floors goes, in milliseconds."""
    lines = ["beyond the layers' own floors, ms"]
    for row in rows:
        above = row["above_floor_ms"]
        assert isinstance(above, dict)
        shown = [f"{k} {v:.3f}" for k, v in above.items() if abs(v) >= LEAST_SHOWN_MS]
        lines.append(f"{row['case']:17} {', '.join(shown)}")
    return "\n".join(lines)


def readme_table(rows: Sequence[Row]) -> str:
    """The same in Markdown, one row a case, with the sentences that hold for all of them."""
    beside = all("onnxruntime_ratio" in row for row in rows)
    cells = [_readme_cells(row, with_onnxruntime=beside) for row in rows]
    columns = list(cells[0])
    lines = [
        "| " + " | ".join(columns) + " |",
        "| " + " | ".join("---" for _ in columns) + " |",
    ]
    lines += ["| " + " | ".join(found.values()) + " |" for found in cells]
    enqueue, layers = _numbers(rows, "enqueue_us"), _numbers(rows, "of_replay")
    sentences = [
        LEGEND,
        _means(rows, with_onnxruntime=beside),
        f"The layers add up to {_percent(min(layers))} to {_percent(max(layers))} of the replay.",
        f"`execute_async_v3` costs the host {min(enqueue):.1f} to {max(enqueue):.1f} µs a call.",
    ]
    cold = [float(str(r["build_s"])) for r in rows if not _is_warm(r)]
    if cold:
        sentences.append(f"First builds took {min(cold):.0f} to {max(cold):.0f} s.")
    return "\n".join([*lines, "", " ".join(sentences)])


def _is_warm(row: Row) -> bool:
    """Whether most times of tactics come from the timing cache."""
    return float(str(row["times_from_cache"])) > float(str(row["times_here"]))


def _means(rows: Sequence[Row], *, with_onnxruntime: bool) -> str:
    """One sentence on the ratios to each peer."""
    torch = f"The geometric mean of the ratios is {mean_ratio(rows, 'ratio'):.2f}"
    if not with_onnxruntime:
        return f"{torch}."
    other = mean_ratio(rows, "onnxruntime_ratio")
    return f"{torch} to torch.compile, {other:.2f} to ONNX Runtime."


def _readme_cells(row: Row, *, with_onnxruntime: bool) -> dict[str, str]:
    """By the columns' headings, in their order."""
    values = {k: v for k, v in _with_shares(row).items() if isinstance(v, float | int)}
    name, batch = str(row["case"]).split(":")
    clock = f"{values['sm_clock_mhz']:,.0f}" if "sm_clock_mhz" in values else "N/A"
    warm = " (cached)" if _is_warm(row) else ""
    torch_spread = _percent(values["torch_spread"], 1)
    peers = {"torch.compile (ms)": f"{values['torch_compile_ms']:.3f} ± {torch_spread}"}
    ratios = {"ratio": f"{values['ratio']:.2f}"}
    if with_onnxruntime:
        peers["ONNX Runtime (ms)"] = f"{values['onnxruntime_ms']:.3f}"
        ratios = {"ratios": f"{values['ratio']:.2f}, {values['onnxruntime_ratio']:.2f}"}
    return {
        "model": NAMES.get(name, name),
        "batch": batch,
        "trtlab (ms)": f"{values['trtlab_ms']:.3f} ± {_percent(values['trtlab_spread'], 1)}",
        **peers,
        **ratios,
        "SM clock (MHz)": clock,
        "layers": _percent(values["of_replay"]),
        "of the floor": _percent(values["of_floor"]),
        "memory (MB)": f"{values['trtlab_mb']:.3g} / {values['torch_mb']:.3g}",
        "enqueue (µs)": f"{values['enqueue_us']:.1f}",
        "build (s)": f"{values['build_s']:.1f}{warm}",
    }


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def _with_shares(row: Row) -> Row:
    """The row with what follows from it: shares of the replay."""
    replay_ms = float(str(row["trtlab_ms"]))
    return row | {"of_floor": float(str(row["floor_ms"])) / replay_ms}


def _numbers(rows: Sequence[Row], key: str) -> list[float]:
    return [float(str(_with_shares(row)[key])) for row in rows]


def mean_ratio(rows: Sequence[Row], key: str) -> float:
    """Geometric mean."""
    return exp(sum(log(float(str(r[key]))) for r in rows) / len(rows))


if __name__ == "__main__":
    print(readme_table(json.loads(Path(sys.argv[1]).read_text())["rows"]))
