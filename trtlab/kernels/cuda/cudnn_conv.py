"""Convolutions of NVIDIA's cuDNN library, with bias, residual and activation in one graph.

A tactic stands for one place in the library's own ranking of execution plans; the graph is built
when a launch is prepared. Without the library the tactics decline.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, ClassVar

from trtlab.core.types import DataType
from trtlab.kernels.cuda.cudnn_launch import available, cudnn_handle, cudnn_library
from trtlab.kernels.cuda.cudnn_tactic import CudnnGraphTactic
from trtlab.kernels.cuda.forms import form_of, pack_window
from trtlab.kernels.cuda.per_element import given, optional
from trtlab.kernels.cuda.tf32 import with_rounded_factors
from trtlab.layers.base import Array
from trtlab.layers.convolution import Convolution
from trtlab.layers.pointwise import Step
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.tactic import Rejection

_FIRST_EXTRA = 3
_RANK = 4
_MOST_FUSED_TAPS = 64
_ONE = {"relu", "sigmoid", "tanh", "swish", "gelu_erf", "gelu_tanh", "identity"}
_TWO = {"add", "mul", "sub"}


class CudnnConvolutionTactic(CudnnGraphTactic):
    """One of the plans that the library ranks highest.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "convolution"
    types: ClassVar[tuple[DataType, ...]] = (DataType.HALF, DataType.BF16)

    @property
    def build(self) -> Callable[[Problem], Any]:
        """The graph of the convolution."""
        return convolution_graph

    def check(self, problem: Problem) -> Rejection | None:  # noqa: C901 - a list of conditions
        """Declines types, layouts and programs that the graph does not express."""
        op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
        assert isinstance(op, Convolution)
        if not available():
            return Rejection("the package nvidia-cudnn-frontend is not installed")
        if x.dtype not in self.types:
            kinds = " and ".join(kind.value for kind in self.types)
            return Rejection(f"used for {kinds}, not for {x.dtype.value}")
        if len(x.shape) != _RANK or not kernel.constant:
            return Rejection("works on images with constant weights")
        if x.strides[1] != 1 or problem.outputs[0].strides[1] != 1:
            return Rejection("works with channels fastest")
        groups = op.num_groups
        if any(extent % 8 for extent in (x.shape[1] // groups, kernel.shape[0] // groups)):
            return Rejection("channels of a group are no multiple of eight")
        if op.epilogue and prod(kernel.shape[2:]) > _MOST_FUSED_TAPS:
            # Strided windows of 256 taps with a program behind them come out wrong.
            return Rejection("windows are too large for a program behind them")
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


class CudnnTf32Tactic(CudnnConvolutionTactic):
    """As its base, of FP32 images that the library rounds to TF32.

    Args:
        rank: Place in the ranking, from 0.
    """

    method: ClassVar[str] = "tf32"
    tf32: ClassVar[bool] = True
    types: ClassVar[tuple[DataType, ...]] = (DataType.FLOAT,)

    def cost_hint_us(self, problem: Problem) -> float:
        """Less than half the rate of the half types."""
        return 2.5 * super().cost_hint_us(problem)

    def pack(self, problem: Problem, constants: Mapping[int, Array]) -> dict[int, Array]:
        """Kernels with the channel fastest, rounded."""
        return with_rounded_factors(super().pack(problem, constants))


def convolution_graph(problem: Problem) -> Any:  # noqa: ANN401 - a library graph
    """The operation graph with its ranked plans; operands have the numbers 1, 2, …."""
    library = cudnn_library()
    op, x, kernel = problem.op, given(problem, 0), given(problem, 1)
    assert isinstance(op, Convolution)
    kinds = {
        DataType.HALF: library.data_type.HALF,
        DataType.BF16: library.data_type.BFLOAT16,
        DataType.FLOAT: library.data_type.FLOAT,  # multiplies in TF32 where that is faster
    }
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
