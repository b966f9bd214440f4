import pytest

from trtlab.profiling.progress import Step, counted


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("Warming up"), ""),
        (Step("Measuring", 79, 100, "%"), "79 %"),
        (Step("Measuring", 2, 3, "%"), "66 %"),
        (Step("Select tactics", 1200, 5400), "1,200 of 5,400"),
        (Step("Copying", 3, 12, "tensors"), "3 of 12 tensors"),
    ],
)
def test_a_share_and_a_count_do_not_read_alike(step, words):
    assert step.count == words
    assert counted(step.done, step.total, step.unit) == words
