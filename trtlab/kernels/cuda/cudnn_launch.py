"""A plan of NVIDIA's cuDNN library as a launch, built from its graph or restored from a file."""

import importlib
import importlib.util
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.devices.cuda.code import (
    CompiledCode,
    code_store,
    current_gpu,
    digest_of,
    gpu_of_plans,
)
from trtlab.devices.cuda.graphs import ENQUEUEING
from trtlab.devices.cuda.kernel import Loader, Stream
from trtlab.devices.cuda.scratch import NO_WORKSPACE, Workspace
from trtlab.kernels.cuda.cudnn_graphs import SharedGraphs
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers

KIND = "cudnn"
_MOST_WORKSPACE = 64 << 20
_KEPT_GRAPHS = 128  # more than most networks have problems

_ranked, _restored = SharedGraphs(_KEPT_GRAPHS), SharedGraphs(_KEPT_GRAPHS)


@cache
def available() -> bool:
    """Whether the library's frontend is installed."""
    return importlib.util.find_spec("cudnn") is not None


@cache
def cudnn_library() -> Any:  # noqa: ANN401 - an untyped module
    """The frontend; call `available` first."""
    return importlib.import_module("cudnn")


def cudnn_handle() -> Any:  # noqa: ANN401 - a library handle
    """The process' handle for the current device."""
    return _handle_of(current_gpu())


@cache
def _handle_of(_gpu: int) -> Any:  # noqa: ANN401 - a library handle
    return cudnn_library().create_handle()


def plan_key(problem: Problem, rank: int, build: Callable[[Problem], Any]) -> str:
    """Tells plans apart."""
    return digest_of(getattr(build, "__name__", build), rank, problem)


def plan_workspace_bytes(problem: Problem, rank: int, build: Callable[[Problem], Any]) -> int:
    """Scratch of a plan, 0 while it has not been made: then the launch finds its own."""
    return Workspace.wanted(code_store().workspace_bytes(KIND, plan_key(problem, rank, build)))


def workspace_of(buffers: Buffers) -> Workspace:
    """The scratch among a problem's buffers."""
    return Workspace(buffers.workspace, buffers.workspace_bytes)


@dataclass
class CudnnLaunch:
    """A plan with its operands.

    Attributes:
        problem: What the graph computes.
        rank: Of the plan.
        addresses: Of the inputs that are there, then of the result.
        build: Makes the problem's graph with its ranked plans.
        workspace: Scratch that the caller has, if it is enough.
    """

    problem: Problem
    rank: int
    addresses: tuple[int, ...]
    build: Callable[[Problem], Any]
    workspace: Workspace = NO_WORKSPACE
    capturable: bool = True
    _graph: Any = field(default=None, repr=False)
    _index: int = field(default=0, repr=False)
    _pack: dict[int, int] = field(default_factory=dict[int, int], repr=False)
    _scratch: Workspace = field(default=NO_WORKSPACE, repr=False)

    def prepare(self, loader: Loader) -> None:
        """Build the plan, or restore it.

        Raises:
            UnsupportedError: The library has no such plan, or it wants too much memory.
            DeviceError: The library failed.
        """
        with ENQUEUEING:  # plans are made with the handle that others run theirs with
            if self._graph is None:
                self._prepare(loader)

    def _prepare(self, loader: Loader) -> None:
        graph, self._index = self._found(), 0
        if graph is None:
            graph, self._index = self._built(), self.rank
        with _refusals():
            wanted = int(graph.get_workspace_size_plan_at_index(self._index))
        code_store().note_workspace(KIND, self._key, wanted)
        if wanted > _MOST_WORKSPACE:
            raise UnsupportedError(f"the plan wants {wanted:,} bytes of workspace")
        self._scratch = self.workspace.or_from(loader, wanted)
        self._pack = dict(enumerate(self.addresses, start=1))
        self._graph = graph

    def _found(self) -> Any:  # noqa: ANN401 - a library graph
        """A graph with the one plan that a file held; None where it has none of use here."""
        stored = code_store().find(KIND, self._key, _origin())
        if stored is None:
            return None
        try:
            return _restored.get((stored, current_gpu()), lambda: _read(stored))
        except _errors():
            return None

    def _built(self) -> Any:  # noqa: ANN401 - a library graph
        with _refusals():
            key = (self.build, self.problem, current_gpu())
            graph = _ranked.get(key, lambda: self.build(self.problem))
            if self.rank >= graph.get_execution_plan_count():
                raise UnsupportedError(f"the library ranks fewer than {self.rank + 1} plans")
            graph.build_plan_at_index(self.rank)
        return graph

    def enqueue(self, stream: Stream) -> None:
        """Run the plan on a stream."""
        library = cudnn_library()
        try:
            library.set_stream(handle=cudnn_handle(), stream=stream.ptr)
            self._graph.execute_plan_at_index(
                self._pack, self._scratch.address, self._index, handle=cudnn_handle()
            )
        except RuntimeError as error:
            raise DeviceError(f"the library failed: {error}") from error

    @property
    def _key(self) -> str:
        return plan_key(self.problem, self.rank, self.build)

    def compiled(self) -> CompiledCode | None:
        """The plan in the library's own form."""
        stored = code_store().find(KIND, self._key, _origin())
        if stored is not None:
            return stored
        with ENQUEUEING:
            try:
                # The graph writes down the plan that was built last: say which one is meant.
                self._graph.build_plan_at_index(self._index)
                data = bytes(self._graph.serialize())
            except _errors():
                return None
        wanted = code_store().workspace_bytes(KIND, self._key)
        return CompiledCode(KIND, self._key, _origin(), data, wanted)


def _origin() -> str:
    return f"cudnn {cudnn_library().backend_version()}/{gpu_of_plans()}"


def _read(stored: CompiledCode) -> Any:  # noqa: ANN401 - a library graph
    graph = cudnn_library().pygraph(handle=cudnn_handle())
    graph.deserialize(cudnn_handle(), list(stored.data))
    return graph


def _errors() -> tuple[type[Exception], ...]:
    return cudnn_library().cudnnGraphNotSupportedError, RuntimeError, ValueError


@contextmanager
def _refusals() -> Generator[None]:
    """The library's errors as trtlab's."""
    try:
        yield
    except _errors() as error:
        raise UnsupportedError(
            f"the library declines: {str(error).splitlines()[0]}"
        ) from error
