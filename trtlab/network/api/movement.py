"""Layers that move elements: shuffle, slice, concatenation, resize, squeeze and their like."""

from collections.abc import Sequence

from trtlab.core.dims import Dims, Permutation
from trtlab.core.enums import (
    InterpolationMode,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
    SampleMode,
)
from trtlab.core.errors import UsageError
from trtlab.layers.resize import Resize
from trtlab.layers.shuffle import Concatenation, ReverseSequence, Shuffle, Squeeze, Unsqueeze
from trtlab.layers.slicing import Slice
from trtlab.network.api.arguments import extents, factors, whole
from trtlab.network.api.axes import axis_before_image, known_integers
from trtlab.network.api.layer import ILayer
from trtlab.network.api.linear import LinearLayers
from trtlab.network.api.options import Option, a_number, a_truth, a_whole, one_of, some_extents
from trtlab.network.api.tensor import ITensor


def _order(value: object, what: str) -> tuple[int, ...]:
    return tuple(Permutation(extents(value, what)))


def _shown_order(layer: ILayer, order: tuple[int, ...]) -> Permutation:
    tensor = layer.layer.inputs[0]
    return Permutation(order or range(0 if tensor is None else len(tensor.shape)))


class IShuffleLayer(ILayer):
    """Transpose, reshape, transpose again."""

    roles = ("input", "reshape dimensions")
    first_transpose = Option[Permutation](_order, "", _shown_order)
    second_transpose = Option[Permutation](_order, "", _shown_order)
    zero_is_placeholder = a_truth()

    @property
    def reshape_dims(self) -> Dims:
        """What to reshape to: −1 is inferred, 0 copies; else the extents as they are."""
        wanted = self.operator.reshape_dims if isinstance(self.operator, Shuffle) else None
        if wanted is not None:
            return Dims(wanted)
        return self.get_output(0).shape

    @reshape_dims.setter
    def reshape_dims(self, wanted: object) -> None:
        self.set_options(reshape_dims=extents(wanted, "reshape_dims", least=-1))


class ISliceLayer(ILayer):
    """A box of a tensor with strides."""

    roles = ("input", "start", "shape", "stride", "fill value", "axes")
    start = some_extents()
    shape = some_extents()
    stride = some_extents()
    mode = one_of(SampleMode)
    axes = some_extents()

    def set_input(self, index: int, tensor: ITensor) -> None:
        """Start, shape, stride or fill value as a tensor; axes must be constant."""
        if whole(index, "the input's index") == self.roles.index("axes"):
            self.set_options(axes=known_integers(self.definition, tensor, "axes"))
        else:
            super().set_input(index, tensor)


class IConcatenationLayer(ILayer):
    """Tensors one behind the other."""

    roles = ()
    axis = a_whole()


class IResizeLayer(ILayer):
    """Interpolation to another size."""

    roles = ("input", "output shape")
    shape = some_extents()
    scales = Option[list[float]](factors, "", lambda _, value: list(value))
    resize_mode = one_of(InterpolationMode, "interpolation_mode")
    interpolation_mode = one_of(InterpolationMode)
    coordinate_transformation = one_of(ResizeCoordinateTransformation)
    selector_for_single_pixel = one_of(ResizeSelector)
    nearest_rounding = one_of(ResizeRoundMode)
    exclude_outside = a_truth()
    cubic_coeff = a_number()


class ISqueezeLayer(ILayer):
    """Axes of one element fall away."""


class IUnsqueezeLayer(ILayer):
    """Axes of one element come in."""


class IReverseSequenceLayer(ILayer):
    """The first entries of each sequence in reverse order."""

    roles = ("input", "sequence lengths")
    batch_axis = a_whole()
    sequence_axis = a_whole()


class MovementLayers(LinearLayers):
    """The ``add_*`` methods of this family."""

    def add_shuffle(self, input: object) -> IShuffleLayer:
        """A copy until permutations or ``reshape_dims`` are set."""
        return self.add(IShuffleLayer, Shuffle(), [self.read(input, "input")])

    def add_slice(
        self, input: object, start: object, shape: object, stride: object
    ) -> ISliceLayer:
        """The elements at start + i · stride, for i below shape; one entry an axis each.

        Raises:
            UsageError: The entries do not fit the input's axes.
        """
        x = self.read(input, "input")
        op = Slice(
            extents(start, "start"),
            extents(shape, "shape", least=0),
            extents(stride, "stride"),
        )
        for what, entries in (("start", op.start), ("shape", op.shape), ("stride", op.stride)):
            if len(entries) not in {0, len(x.shape)}:
                raise UsageError(
                    f"{what} {entries} has {len(entries)} entries; {x.name} has "
                    f"{len(x.shape)} dimensions: {x.type}"
                )
        return self.add(ISliceLayer, op, [x])

    def add_concatenation(self, inputs: Sequence[object]) -> IConcatenationLayer:
        """Tensors one behind the other; along the third last axis until ``axis`` is set."""
        parts = self.read_all(inputs)
        op = Concatenation(axis_before_image(parts[0]))
        return self.add(IConcatenationLayer, op, parts)

    def add_resize(self, input: object) -> IResizeLayer:
        """Interpolation; ``shape``, ``scales`` or ``set_input(1, …)`` says the size."""
        return self.add(IResizeLayer, Resize(), [self.read(input, "input")])

    def add_squeeze(self, input: object, axes: object) -> ISqueezeLayer:
        """Drop axes of one element; ``axes`` is a constant tensor or integers."""
        op = Squeeze(known_integers(self, axes, "axes"))
        return self.add(ISqueezeLayer, op, [self.read(input, "input")])

    def add_unsqueeze(self, input: object, axes: object) -> IUnsqueezeLayer:
        """Put in axes of one element, counted in the result; as in `add_squeeze`."""
        op = Unsqueeze(known_integers(self, axes, "axes"))
        return self.add(IUnsqueezeLayer, op, [self.read(input, "input")])

    def add_reverse_sequence(
        self, input: object, sequence_lens: object
    ) -> IReverseSequenceLayer:
        """Reverse each sequence up to its length; axes 1 and 0 until set otherwise."""
        inputs = [self.read(input, "input"), self.read(sequence_lens, "sequence lengths")]
        return self.add(IReverseSequenceLayer, ReverseSequence(), inputs)
