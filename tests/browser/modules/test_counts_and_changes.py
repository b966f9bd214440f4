"""Memory, histograms and tables are counted right; the store tells of changes."""

from typing import Any

import pytest
from trtlab_widgets.pages.histogram import histogram

pytestmark = pytest.mark.browser


def test_memory_in_use_and_its_peak(modules: Any) -> None:
    # tensor, offset, size, first, last: an input, and two that overlap at step 1
    plan = "[['in', 0, 8, -1, 0], ['a', 8, 16, 0, 1], ['b', 0, 4, 1, 2]]"
    found = modules.evaluate(
        f"(() => {{ const p = m.memory_view.memoryProfile({plan}, 3);"
        " return { live: [...p.live], peak: p.peak }; })()"
    )
    assert found == {"live": [24, 20, 4], "peak": 0}


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 2, 3, 9],
        [2, 2],
        [],
        [*range(100), 150],
        [*range(100), 5000],
        [*range(1999), 70_000],
        [*range(2997), 7e4, 8e4, 9e4],
        [1] * 100 + [5000],
    ],
)
def test_samples_are_counted_as_on_the_pages(modules: Any, values: list[float]) -> None:
    """One rule in two languages: the same bins, the same few beyond the axis."""
    found = modules.evaluate(f"m.small_charts.distribution({values}, 48)")
    wanted = histogram(values)
    counts = [n for *_, n in wanted.bins]
    assert [each["n"] for each in found["bins"]] == ([] if len(counts) == 1 else counts)
    beyond = wanted.beyond and {
        "n": wanted.beyond.count, "from": wanted.beyond.end_ms, "to": wanted.beyond.largest_ms
    }  # fmt: skip
    assert found["beyond"] == beyond


def test_samples_far_out_are_told_beside_the_others(modules: Any) -> None:
    def drawn(samples: list[float]) -> list[Any]:
        return modules.evaluate(
            f"""(() => {{
                 const el = m.small_charts.histogram({samples}, 120, 'conv');
                 const [svg, caption] = el.children;
                 return [svg.getAttribute('aria-label'), caption.textContent,
                         svg.querySelectorAll('.t-beyond').length];
               }})()"""
        )

    near = [100 + i for i in range(50)]
    label, caption, bars = drawn([*near, 12_400])
    assert "1 beyond, up to 12.4 ms" in label
    assert "149 µs · 1 beyond, up to 12.4 ms" in caption
    assert bars == 1
    label, caption, bars = drawn(near)
    assert "beyond" not in label + caption
    assert bars == 0


def test_listeners_hear_of_real_changes_only(modules: Any) -> None:
    heard = modules.evaluate(
        """(() => {
             const store = m.store.createStore({ selection: [1], hover: -1 });
             const heard = [];
             const off = store.on(['selection'], (state, source) => heard.push(source));
             store.set({ selection: [1] }, 'same');
             store.set({ hover: 3 }, 'other');
             store.set({ selection: [2] }, 'real');
             off();
             store.set({ selection: [3] }, 'late');
             return heard;
           })()"""
    )
    assert heard == ["real"]


def test_csv_quotes_what_needs_it(modules: Any) -> None:
    text = modules.evaluate(
        """m.grid.toCsv(
             [{ title: 'Name', value: (r) => r.name }, { title: 'n', value: (r) => r.n }],
             [{ name: 'a,"b"', n: 1 }, { name: 'c', n: null }])"""
    )
    assert text == 'Name,n\n"a,""b""",1\nc,\n'
