"""Convolutions of NVIDIA's cuDNN library, with bias, residual and activation in one graph.

A tactic stands for one place in the library's own ranking of execution plans; the graph is built
when a launch is prepared. Without the library the tactics decline.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from trtlab.core.errors import DeviceError, UnsupportedError
from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Loader, Stream
from trtlab.devices.cuda.memory import CudaMemory
from trtlab.kernels.cuda.forms import form_of, pack_window
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import Step
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

_FIRST_EXTRA = 3
_RANK = 4
_MOST_WORKSPACE = 64 << 20
_ONE = {"relu", "sigmoid", "tanh", "swish", "gelu_erf", "gelu_tanh", "identity"}
_TWO = {"add", "mul", "sub"}


@cache
def available() -> bool:
    """Whether the library's frontend is installed."""
    return importlib.util.find_spec("cudnn") is not None


@cache
def cudnn_library() -> Any:  # noqa: ANN401 - an untyped module
    """The frontend; call `available` first."""
    return importlib.import_module("cudnn")


@cache
def cudnn_handle() -> Any:  # noqa: ANN401 - a library handle
    """One handle a process."""
    return cudnn_library().create_handle()


class CudnnConvolutionTactic(Tactic):
    """One of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    source: ClassVar[str] = "CUDNN"

    def __init__(self, rank: int) -> None:
        self._rank = rank
        self.name = f"cuda.cudnn.convolution/plan{rank}"

    def check(self, problem: Problem) -> Rejection | None:  # noqa: C901 - a list of conditions
        """Declines types, layouts and programs that the graph does not express."""
        op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
        assert isinstance(op, Convolution)
        if not available():
            return Rejection("the package nvidia-cudnn-frontend is not installed")
        if x.dtype not in {DataType.HALF, DataType.BF16}:
            return Rejection(f"used for fp16 and bf16, not for {x.dtype.value}")
        if len(x.shape) != _RANK or not kernel.constant:
            return Rejection("works on images with constant weights")
        if x.strides[1] != 1 or problem.outputs[0].strides[1] != 1:
            return Rejection("works with channels fastest")
        groups = op.num_groups
        if any(extent % 8 for extent in (x.shape[1] // groups, kernel.shape[0] // groups)):
            return Rejection("channels of a group are no multiple of eight")
        maps = (1, kernel.shape[0], 1, 1)
        for operand in problem.inputs[_FIRST_EXTRA:]:
            # Operands that repeat along some axes only come out wrong, or fault.
            if operand is not None and operand.shape not in {problem.outputs[0].shape, maps}:
                return Rejection("an operand is neither an image nor one value a map")
            if operand is not None and operand.strides[1] != 1:
                return Rejection("works with channels fastest")
        for step in op.epilogue:
            known = step.function in _ONE | _TWO or (
                step.function == "clip" and step.params[0] == 0
            )
            if not known:
                return Rejection(f"the graph has no {step.function}")
        form = form_of(problem)
        return form if isinstance(form, Rejection) else None

    def cost_hint_us(self, problem: Problem) -> float:
        """Near the tensor cores' rate; worse with the rank."""
        flops = problem.op.flops(problem.input_types, problem.output_types)
        return (2.5 + flops / 5e8) * (1 + 0.1 * self._rank)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Kernels with the channel fastest."""
        return pack_window(problem, constants)

    def bind(self, problem: Problem, buffers: Buffers) -> Sequence["CudnnLaunch"]:
        """One launch."""
        addresses = [a for a in buffers.inputs if a is not None]
        addresses.append(buffers.outputs[0])
        return (CudnnLaunch(problem, self._rank, tuple(addresses), convolution_graph),)


@dataclass
class CudnnLaunch:
    """A plan with its operands.

    Attributes:
        problem: What the graph computes.
        rank: Of the plan.
        addresses: Of the inputs that are there, then of the result.
        build: Makes the problem's graph with its ranked plans.
    """

    problem: Problem
    rank: int
    addresses: tuple[int, ...]
    build: Callable[[Problem], Any]
    capturable: bool = True
    _graph: Any = field(default=None, repr=False)
    _pack: dict[int, int] = field(default_factory=dict[int, int], repr=False)
    _workspace: CudaMemory | None = field(default=None, repr=False)

    def prepare(self, loader: Loader) -> None:
        """Build the plan.

        Raises:
            UnsupportedError: The library has no such plan, or it wants too much memory.
            DeviceError: The library failed.
        """
        if self._graph is not None:
            return
        library = cudnn_library()
        try:
            graph = self.build(self.problem)
            if self.rank >= graph.get_execution_plan_count():
                raise UnsupportedError(f"the library ranks fewer than {self.rank + 1} plans")
            graph.build_plan_at_index(self.rank)
            wanted = int(graph.get_workspace_size_plan_at_index(self.rank))
        except (library.cudnnGraphNotSupportedError, RuntimeError, ValueError) as error:
            raise UnsupportedError(
                f"the library declines: {str(error).splitlines()[0]}"
            ) from error
        if wanted > _MOST_WORKSPACE:
            raise UnsupportedError(f"the plan wants {wanted:,} bytes of workspace")
        self._workspace = loader.scratch(wanted)
        self._pack = dict(enumerate(self.addresses, start=1))
        self._graph = graph

    def enqueue(self, stream: Stream) -> None:
        """Run the plan on a stream."""
        library = cudnn_library()
        assert self._workspace is not None
        try:
            library.set_stream(handle=cudnn_handle(), stream=stream.ptr)
            self._graph.execute_plan_at_index(
                self._pack, self._workspace.address, self.rank, handle=cudnn_handle()
            )
        except RuntimeError as error:
            raise DeviceError(f"the library failed: {error}") from error


@cache
def convolution_graph(problem: Problem) -> Any:  # noqa: ANN401 - a library graph
    """The operation graph with its ranked plans; operands have the numbers 1, 2, …."""
    library = cudnn_library()
    op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
    assert isinstance(op, Convolution)
    kinds = {DataType.HALF: library.data_type.HALF, DataType.BF16: library.data_type.BFLOAT16}
    kind = kinds[x.dtype]
    graph = library.pygraph(
        io_data_type=kind,
        intermediate_data_type=library.data_type.FLOAT,
        compute_data_type=library.data_type.FLOAT,
        handle=cudnn_handle(),
    )
    maps, channels, height, width = kernel.shape
    number = 0

    def tensor(dim: Sequence[int], stride: Sequence[int]) -> Any:  # noqa: ANN401
        nonlocal number
        number += 1
        return graph.tensor(
            dim=list(dim), stride=list(stride), data_type=kind, uid=number, name=f"t{number}"
        )

    def image(operand: Operand) -> Any:  # noqa: ANN401
        if operand.shape[2:] == (1, 1):
            return tensor(operand.shape, (maps, 1, maps, maps))
        return tensor(operand.shape, operand.strides)

    window = op.window(kernel.shape[2:])
    pads = window.padding(x.shape[2:])
    data = tensor(x.shape, x.strides)
    weights = tensor(kernel.shape, (channels * height * width, 1, width * channels, channels))
    value = graph.conv_fprop(
        image=data,
        weight=weights,
        pre_padding=[before for before, _ in pads],
        post_padding=[behind for _, behind in pads],
        stride=list(window.stride),
        dilation=list(window.dilation),
    )
    if optional(problem, 2) is not None:
        value = graph.add(a=value, b=tensor((1, maps, 1, 1), (maps, 1, maps, maps)))
    values = [value, *(image(o) for o in problem.inputs[_FIRST_EXTRA:] if o is not None)]
    for step in op.epilogue:
        values.append(apply_step(graph, step, values))
    out = problem.outputs[0]
    result = values[-1]
    result.set_output(True).set_data_type(kind).set_dim(list(out.shape))
    result.set_stride(list(out.strides)).set_uid(number + 1)
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([library.heur_mode.A, library.heur_mode.FALLBACK])
    return graph


def apply_step(graph: Any, step: Step, values: Sequence[Any]) -> Any:  # noqa: ANN401
    """A step of a program as a node of the graph."""
    first = values[step.operands[0]]
    if step.function in _TWO:
        return getattr(graph, step.function)(first, values[step.operands[1]])
    if step.function == "clip":
        return graph.relu(input=first, lower_clip=0.0, upper_clip=step.params[1])
    named = {"gelu_erf": "gelu", "gelu_tanh": "gelu_approx_tanh"}
    return getattr(graph, named.get(step.function, step.function))(input=first)
