"""Steps replayed as one captured graph, or enqueued where they cannot be captured.

The graph is captured at the first run, and again when what it carries changes. Steps whose
launches cannot be captured are enqueued one by one, and the refusal says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from trtlab.core.errors import DeviceError, UnsupportedError, UsageError
from trtlab.devices.cuda.callers_stream import LEGACY, CallersStream
from trtlab.devices.cuda.enqueueing import NO_HOOKS, Hooks, Route, record
from trtlab.devices.cuda.graphs import ENQUEUEING, FILL, Graph, capture
from trtlab.devices.cuda.kernel import Launch, Loader
from trtlab.devices.cuda.l2_window import Window, kept_in_cache
from trtlab.devices.cuda.libraries import cupy
from trtlab.devices.cuda.scratch import SharedScratch
from trtlab.devices.protocol import Scheduled

_CAPTURE_TRIES = 2  # a wait for the whole device on another thread spoils a capture


@dataclass(frozen=True, slots=True)
class Extras:
    """What a run carries beside its steps.

    Attributes:
        consumed_event: Handle of an event that tells when the inputs were read; 0 for none.
        consumed_at: The inputs are no longer read when so many steps are done.
        window: Memory that the L2 cache keeps.
    """

    consumed_event: int = 0
    consumed_at: int = 0
    window: Window | None = None


PLAIN = Extras()


class ReplayedSteps:
    """Steps bound to a device, with the graph of a plain run.

    Args:
        steps: What to run.
        main: The device's own stream; the device is the current one.
        loader: Compiles the steps' kernels.

    Attributes:
        main: The device's own stream.
        steps: What runs: with the launches that libraries have plans for.
        route: Which of their launches go where.
        graphs: Whether to replay a captured graph where that is possible.
        extras: What runs carry.
        auxiliary: The caller's streams for regions, used where no graph is; what they lack
            is made here.
    """

    def __init__(
        self,
        steps: Sequence[Scheduled],
        main: Any,  # noqa: ANN401 - a CuPy stream
        loader: Loader,
    ) -> None:
        self.main = main
        self._loader = loader
        self._device: Any = cupy().cuda.Device()
        shared: dict[int, SharedScratch] = {}
        self.steps = [
            _prepared(step, shared.setdefault(step.stream, SharedScratch(loader)))
            for step in steps
        ]
        self.route = Route(self.steps)
        self.graphs = True
        self.extras = PLAIN
        self.auxiliary: Sequence[int] = ()
        held_back = sum(
            not launch.capturable for launches in self.route.launches for launch in launches
        )
        self._refusal = f"{held_back} launches wait for the host" if held_back else ""
        self._own_auxiliary: list[Any] = []
        self._graph: Graph | None = None
        self._carried: Extras | None = None  # by the graph

    @property
    def refusal(self) -> str:
        """Why no CUDA graph of it can be made; empty where one can."""
        return self._refusal

    @property
    def replays(self) -> bool:
        """Whether runs replay a graph."""
        return self.graphs and not self._refusal

    # ---- graphs ------------------------------------------------------------------------

    def enqueue(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Replay the graph behind what the stream holds, or enqueue step by step."""
        if self.replays:
            if self._carried is not self.extras:
                self._capture_plain()
            if self._graph is not None:
                self._graph.launch(stream)
                return
        self.enqueue_steps(stream, self.hooks(recorded=False))

    def _capture_plain(self) -> None:
        extras = self.extras
        self._graph = self.captured(partial(self.hooks, recorded=True))
        self._carried = extras

    def captured(self, hooks: Callable[[], Hooks], route: Route | None = None) -> Graph | None:
        """A graph; None, and the reason kept, where the launches refuse.

        Args:
            hooks: Makes those of one capture: they remember what was done already.
            route: Of what is captured; the steps' own unless given.
        """
        taken = route or self.route

        def enqueue(main: Any, others: Sequence[Any]) -> None:  # noqa: ANN401 - CuPy streams
            with kept_in_cache(self.extras.window, [main, *others]):
                taken.enqueue(main, others, hooks())

        reason = ""
        for _ in range(_CAPTURE_TRIES):
            try:
                return capture(
                    self._device,
                    taken.auxiliary,
                    enqueue,
                    lambda: self._loader.function(FILL),
                )
            except DeviceError as error:
                reason = str(error.__cause__ or error.what).splitlines()[0]
        self._refusal = reason
        return None

    # ---- step by step ------------------------------------------------------------------

    def enqueue_steps(
        self,
        stream: Any,  # noqa: ANN401 - a CuPy stream
        hooks: Hooks,
        route: Route | None = None,
    ) -> None:
        """Put everything on the stream and those beside it.

        Args:
            stream: The main one.
            hooks: Called between steps.
            route: Of what is enqueued; the steps' own unless given.
        """
        window = None if stream.ptr in LEGACY else self.extras.window
        with ENQUEUEING, self._device:
            others = self._auxiliary_streams()
            with kept_in_cache(window, [stream, *others]):
                (route or self.route).enqueue(stream, others, hooks)

    def _auxiliary_streams(self) -> list[Any]:
        """The caller's, then the program's own."""
        module = cupy().cuda
        given = [CallersStream(h) for h in self.auxiliary[: self.route.auxiliary]]
        missing = self.route.auxiliary - len(given)
        while len(self._own_auxiliary) < missing:
            self._own_auxiliary.append(module.Stream(non_blocking=True))
        return [*given, *self._own_auxiliary[:missing]]

    def hooks(self, around: Hooks = NO_HOOKS, *, recorded: bool) -> Hooks:
        """What a run does between its steps: also an event when the inputs were read.

        Args:
            around: More hooks before and after steps.
            recorded: The streams are being captured.
        """
        extras = self.extras
        if not extras.consumed_event:
            return around

        def consumed(number: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
            if number == extras.consumed_at:
                try:
                    record(extras.consumed_event, stream, recorded=recorded)
                except DeviceError as error:
                    raise UsageError(
                        f"the input-consumed event {extras.consumed_event:#x} cannot be "
                        f"recorded: {error.what}",
                        hint="keep the event alive, or set it to 0",
                    ) from error

        return Hooks(around.before, around.after, consumed)


def _prepared(step: Scheduled, loader: Loader) -> Scheduled:
    """The step with the first of its launches that libraries have plans for.

    Raises:
        UnsupportedError: They have none at all; says what its own launches lack.
    """
    try:
        _prepare(step.launches, loader)
    except UnsupportedError as error:
        for make in step.instead:
            try:
                launches = make()
                _prepare(launches, loader)
            except UnsupportedError:
                continue
            return replace(step, launches=launches)
        raise error from error.__cause__
    return step


def _prepare(launches: Sequence[object], loader: Loader) -> None:
    for launch in cast(Sequence[Launch], launches):
        launch.prepare(loader)
