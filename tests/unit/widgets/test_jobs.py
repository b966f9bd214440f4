import threading
from typing import TYPE_CHECKING, Any

import pytest
from fake_session import FakeJob
from trtlab_widgets.jobs import JobRunner, Step

if TYPE_CHECKING:
    from trtlab.session.requests import JobEvent

from trtlab.core.errors import CancelledError, ParseError, TrtlabError, UsageError


class Heard:
    def __init__(self) -> None:
        self.events: list[JobEvent] = []
        self.errors: list[TrtlabError] = []
        self.busy: list[bool] = []
        self.results: list[Any] = []

    def runner(self) -> JobRunner:
        return JobRunner(self.events.append, self.errors.append, self.busy.append)

    def step(self, result: Any, *, steps: int = 2, step_s: float = 0.0) -> Step[Any]:
        def outcome() -> Any:
            if isinstance(result, TrtlabError):
                raise result
            return result

        return Step(lambda: FakeJob({"work": steps}, outcome, step_s), self.results.append)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_steps_follow_each_other(heard: Heard) -> None:
    runner = heard.runner()
    runner.start(heard.step("built"), heard.step("measured"))
    runner.wait(60)
    assert heard.results == ["built", "measured"]
    assert heard.busy == [True, False]
    assert [e.state for e in heard.events].count("done") == 2


def test_a_failure_ends_the_sequence(heard: Heard) -> None:
    runner = heard.runner()
    runner.start(heard.step(ParseError("broken")), heard.step("never"))
    with pytest.raises(ParseError, match="broken"):
        runner.wait(60)
    assert heard.results == []
    assert [type(e) for e in heard.errors] == [ParseError]
    assert heard.busy == [True, False]


def test_only_one_sequence_at_a_time(heard: Heard) -> None:
    runner = heard.runner()
    runner.start(heard.step("slow", steps=50, step_s=0.02))
    with pytest.raises(UsageError, match="under way already"):
        runner.start(heard.step("second"))
    runner.cancel()
    with pytest.raises(CancelledError):
        runner.wait(60)
    runner.start(heard.step("third"))
    runner.wait(60)
    assert heard.results == ["third"]


def test_waiting_gives_up_in_time(heard: Heard) -> None:
    runner = heard.runner()
    runner.start(heard.step("slow", steps=50, step_s=0.02))
    with pytest.raises(TimeoutError):
        runner.wait(0.01)
    runner.cancel()


def test_a_job_that_cannot_begin_leaves_the_runner_idle(heard: Heard) -> None:
    def begin() -> Any:
        raise UsageError("no worker")

    runner = heard.runner()
    with pytest.raises(UsageError, match="no worker"):
        runner.start(Step(begin, heard.results.append))
    runner.start(heard.step("next"))
    runner.wait(60)
    assert heard.results == ["next"]


def test_results_are_taken_off_the_sessions_thread(heard: Heard) -> None:
    threads: list[str] = []
    runner = heard.runner()
    job = Step(
        lambda: FakeJob({"work": 1}, lambda: 1, 0.0),
        lambda _: threads.append(threading.current_thread().name),
    )
    runner.start(job)
    runner.wait(60)
    assert threads == ["trtlab-finish"]
