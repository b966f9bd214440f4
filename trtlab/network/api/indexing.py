"""Layers that read or write at indices."""

from trtlab.core.enums import GatherMode, ScatterMode
from trtlab.core.errors import UnsupportedError
from trtlab.core.types import DataType
from trtlab.layers.gather import Gather, NonZero, OneHot, Scatter
from trtlab.network.api.arguments import data_type, member, whole
from trtlab.network.api.layer import ILayer
from trtlab.network.api.options import a_whole, one_of
from trtlab.network.api.state import Definition


class IGatherLayer(ILayer):
    """Elements at indices."""

    roles = ("data", "indices")
    axis = a_whole()
    mode = one_of(GatherMode)
    num_elementwise_dims = a_whole()


class IScatterLayer(ILayer):
    """A copy with updates written at indices."""

    roles = ("data", "indices", "updates")
    axis = a_whole()
    mode = one_of(ScatterMode)


class IOneHotLayer(ILayer):
    """On where the index says, off elsewhere."""

    roles = ("indices", "values", "depth")
    axis = a_whole()


class INonZeroLayer(ILayer):
    """Indices of the elements that are not 0."""

    @property
    def indices_type(self) -> DataType:
        """INT64."""
        return DataType.INT64


class IndexLayers(Definition):
    """The ``add_*`` methods of this family."""

    def add_gather(self, input: object, indices: object, axis: int) -> IGatherLayer:
        """Slices of the data along an axis."""
        op = Gather(whole(axis, "axis"))
        return self.add(
            IGatherLayer, op, [self.read(input, "data"), self.read(indices, "indices")]
        )

    def add_gather_v2(self, input: object, indices: object, mode: GatherMode) -> IGatherLayer:
        """Elements at indices in a mode; axis and batch dimensions are set afterwards."""
        op = Gather(mode=member(GatherMode)(mode, "the mode"))
        return self.add(
            IGatherLayer, op, [self.read(input, "data"), self.read(indices, "indices")]
        )

    def add_scatter(
        self, data: object, indices: object, updates: object, mode: ScatterMode
    ) -> IScatterLayer:
        """A copy of the data with updates written at indices."""
        op = Scatter(mode=member(ScatterMode)(mode, "the mode"))
        inputs = [
            self.read(data, "data"),
            self.read(indices, "indices"),
            self.read(updates, "updates"),
        ]
        return self.add(IScatterLayer, op, inputs)

    def add_one_hot(
        self, indices: object, values: object, depth: object, axis: int
    ) -> IOneHotLayer:
        """A new axis with ``values[1]`` at each index and ``values[0]`` elsewhere."""
        inputs = [
            self.read(indices, "indices"),
            self.read(values, "values"),
            self.read(depth, "depth"),
        ]
        return self.add(IOneHotLayer, OneHot(whole(axis, "axis")), inputs)

    def add_non_zero(
        self, input: object, indices_type: DataType = DataType.INT64
    ) -> INonZeroLayer:
        """Indices [rank, count] of the elements that are not 0, as INT64.

        Raises:
            UnsupportedError: Another type is asked for.
        """
        if data_type(indices_type, "indices_type") is not DataType.INT64:
            raise UnsupportedError(
                f"indices of type {indices_type.name} are not available",
                hint="take INT64 and add_cast",
            )
        return self.add(INonZeroLayer, NonZero(), [self.read(input, "input")])
