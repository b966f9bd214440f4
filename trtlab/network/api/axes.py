"""Layers that work along axes: reductions, softmax, top-k, sums so far and normalization."""

from collections.abc import Sequence
from typing import cast

from trtlab.core.enums import CumulativeOperation, ReduceOperation, TopKOperation
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.layers.base import extents_of
from trtlab.layers.normalization import Normalization
from trtlab.layers.reduction import Cumulative, Reduce, SoftMax, TopK
from trtlab.network.api.arguments import axes_of, data_type, extents, member, truth, whole
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import AxesMask, a_number, a_truth, a_whole, one_of
from trtlab.network.api.state import Definition
from trtlab.network.api.tensor import ITensor
from trtlab.network.graph import Tensor

_CHANNELS = 3  # TensorRT's default axis: the third from the end


class IReduceLayer(ILayer):
    """Sum, product, extreme or mean over axes."""

    op = one_of(ReduceOperation)
    axes = AxesMask()
    keep_dims = a_truth()


class ISoftMaxLayer(ILayer):
    """Exponentials that add up to 1 over axes."""

    axes = AxesMask()


class ITopKLayer(ILayer):
    """Largest or smallest entries along an axis: values, then indices."""

    roles = ("input", "k")
    op = one_of(TopKOperation)
    k = a_whole()
    axes = AxesMask()
    indices_type = one_of(DataType)


class ICumulativeLayer(ILayer):
    """Sums so far along an axis."""

    op = one_of(CumulativeOperation)
    exclusive = a_truth()
    reverse = a_truth()


class INormalizationLayer(ILayer):
    """Mean 0 and variance 1 over axes, then scale and bias."""

    roles = ("input", "scale", "bias")
    epsilon = a_number()
    axes = AxesMask()
    num_groups = a_whole()
    compute_precision = one_of(DataType)

    @property
    def is_v2(self) -> bool:
        """Whether scale and bias may have one entry a channel in groups; they may."""
        return True


def axis_before_image(x: Tensor) -> int:
    """TensorRT's default axis: the third from the end, or the first."""
    return max(len(x.shape) - _CHANNELS, 0)


def known_integers(definition: Definition, value: object, what: str) -> tuple[int, ...]:
    """Integers given directly or by a tensor whose values are known while building.

    Raises:
        UsageError: They are not known.
    """
    if not isinstance(value, ITensor):
        many = isinstance(value, Sequence)
        return extents(cast(object, value), what) if many else (whole(value, what),)
    tensor = definition.read(value, what)
    entries = extents_of(tensor.value)
    numbers = tuple(e for e in entries or () if isinstance(e, int))
    if entries is None or len(numbers) != len(entries):
        raise UsageError(
            f"{what} must be known while building; {tensor.name} depends on the input",
            hint="use add_constant",
        )
    return numbers


class AxisLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_reduce(
        self,
        input: object,
        op: ReduceOperation,
        axes: int,
        keep_dims: bool,  # noqa: FBT001 - TensorRT's order
    ) -> IReduceLayer:
        """A reduction; ``axes`` is a bit mask."""
        x = self.read(input, "input")
        what = Reduce(
            member(ReduceOperation)(op, "the operation"),
            axes_of(axes, len(x.shape), "axes"),
            truth(keep_dims, "keep_dims"),
        )
        return self.add(IReduceLayer, what, [x])

    def add_softmax(self, input: object) -> ISoftMaxLayer:
        """Softmax over the third axis from the end (or the first) until ``axes`` is set."""
        x = self.read(input, "input")
        return self.add(ISoftMaxLayer, SoftMax((axis_before_image(x),)), [x])

    def add_topk(
        self,
        input: object,
        op: TopKOperation,
        k: int,
        axes: int,
        indices_type: DataType = DataType.INT32,
    ) -> ITopKLayer:
        """The ``k`` largest or smallest entries along the axis of a bit mask."""
        x = self.read(input, "input")
        what = TopK(
            member(TopKOperation)(op, "the operation"),
            whole(k, "k", least=1),
            axes_of(axes, len(x.shape), "axes"),
            data_type(indices_type, "indices_type"),
        )
        return self.add(ITopKLayer, what, [x])

    def add_cumulative(
        self,
        input: object,
        axis: object,
        op: CumulativeOperation,
        exclusive: bool,  # noqa: FBT001 - TensorRT's order
        reverse: bool,  # noqa: FBT001 - TensorRT's order
    ) -> ICumulativeLayer:
        """Sums so far; ``axis`` is a constant tensor or an integer."""
        x = self.read(input, "input")
        axes = known_integers(self, axis, "axis")
        if len(axes) != 1:
            raise UsageError(f"axis has {len(axes)} entries, not one")
        what = Cumulative(
            member(CumulativeOperation)(op, "the operation"),
            axes[0],
            truth(exclusive, "exclusive"),
            truth(reverse, "reverse"),
        )
        return self.add(ICumulativeLayer, what, [x])

    def add_normalization(
        self,
        input: object,
        scale: object,
        bias: object,
        axesMask: int,  # noqa: N803
    ) -> INormalizationLayer:
        """Normalization over the axes of a bit mask; scale and bias broadcast."""
        x = self.read(input, "input")
        inputs = [x, self.read(scale, "scale"), self.read(bias, "bias")]
        op = Normalization(axes_of(axesMask, len(x.shape), "axesMask"))
        return self.add(INormalizationLayer, op, inputs)

    add_normalization_v2 = add_normalization
