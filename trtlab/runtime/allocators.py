"""Memory that the caller lends: TensorRT's output allocator, and where activations lie."""

from collections.abc import Callable
from dataclasses import dataclass

from trtlab.core.dims import Dims
from trtlab.core.enums import NamedInt
from trtlab.core.errors import UsageError
from trtlab.core.sealed import Sealed
from trtlab.devices.protocol import Device, Memory
from trtlab.network.api.arguments import shown, whole

ALIGN_BYTES = 64
"""Of activation memory and of the outputs that an output allocator gives."""


class ExecutionContextAllocationStrategy(NamedInt):
    """Where a context's activation memory comes from.

    STATIC takes what the shapes of all profiles need, once. ON_PROFILE_CHANGE takes
    what the profile in use needs, and changes it with the profile. USER_MANAGED takes what
    `set_device_memory` gives.
    """

    STATIC = 0
    ON_PROFILE_CHANGE = 1
    USER_MANAGED = 2


class IRuntimeConfig(Sealed):
    """How a context shall be made."""

    def __init__(self) -> None:
        self._strategy = ExecutionContextAllocationStrategy.STATIC

    def set_execution_context_allocation_strategy(
        self, strategy: ExecutionContextAllocationStrategy
    ) -> None:
        """Choose where activation memory comes from.

        Raises:
            UsageError: It is no strategy.
        """
        self._strategy = strategy_of(strategy)

    def get_execution_context_allocation_strategy(self) -> ExecutionContextAllocationStrategy:
        """Where activation memory comes from."""
        return self._strategy


def strategy_of(value: object) -> ExecutionContextAllocationStrategy:
    """A strategy from its member or number.

    Raises:
        UsageError: It is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        for member in ExecutionContextAllocationStrategy:
            if member.value == value:
                return member
    raise UsageError(
        f"{shown(value)} is no allocation strategy",
        hint="use a member of trt.ExecutionContextAllocationStrategy",
    )


class IOutputAllocator:
    """Base of user-written allocators of outputs.

    `execute_async_v3` asks for every output whose allocator is set, before the work is
    enqueued, as shapes are known by then.
    """

    def reallocate_output(
        self, tensor_name: str, memory: int, size: int, alignment: int
    ) -> int:
        """Give memory for an output.

        Args:
            tensor_name: Of the output.
            memory: Address from `set_tensor_address` or from the last call; 0 for none.
            size: Bytes that are needed, at least 1.
            alignment: Bytes that the address must be a multiple of.

        Returns:
            An address; 0 where there is no memory.
        """
        raise NotImplementedError(f"{type(self).__name__} must define reallocate_output")

    def reallocate_output_async(
        self, tensor_name: str, memory: int, size: int, alignment: int, stream: int
    ) -> int:
        """As `reallocate_output`, in the order of a stream; by default the same."""
        del stream
        return self.reallocate_output(tensor_name, memory, size, alignment)

    def notify_shape(self, tensor_name: str, shape: Dims) -> None:
        """Hear the shape of an output, before the work is enqueued."""
        raise NotImplementedError(f"{type(self).__name__} must define notify_shape")


def reallocated(
    allocator: IOutputAllocator, name: str, memory: int, size: int, stream: int
) -> int:
    """What an allocator gives for an output.

    Raises:
        UsageError: Nothing, no address, or an address that is not aligned.
    """
    given: object = allocator.reallocate_output_async(
        name, memory, max(size, 1), ALIGN_BYTES, stream
    )
    if not given:
        raise UsageError(
            f"the output allocator gave no memory for {name!r} ({size:,} bytes)",
            hint="return an address from reallocate_output",
        )
    address = whole(given, f"the address from reallocate_output({name!r})", least=1)
    if address % ALIGN_BYTES:
        raise UsageError(
            f"the output allocator gave {address:#x} for {name!r}, which is no multiple of "
            f"{ALIGN_BYTES}",
            hint="heed the argument alignment",
        )
    return address


@dataclass(frozen=True, slots=True)
class Lent:
    """Memory of somebody else, who keeps it alive."""

    address: int
    nbytes: int


class Activations:
    """The activation memory of one context.

    Args:
        device: Where it lies.
        strategy: Where it comes from.
        static_bytes: For the shapes of all profiles.
        profile_bytes: For the shapes of one profile.
    """

    def __init__(
        self,
        device: Device,
        strategy: ExecutionContextAllocationStrategy,
        static_bytes: int,
        profile_bytes: Callable[[int], int],
    ) -> None:
        self.strategy = strategy
        self._device = device
        self._profile_bytes = profile_bytes
        self._memory: Memory | None = None
        self._profile = -1
        self._static_bytes = static_bytes
        if strategy is ExecutionContextAllocationStrategy.STATIC:
            self._memory = device.allocate(static_bytes)

    @property
    def memory(self) -> Memory | None:
        """What there is at present."""
        return self._memory

    def lend(self, address: int, nbytes: int) -> None:
        """Take the caller's memory.

        Raises:
            UsageError: The context has its own, or the address is not aligned.
        """
        if self.strategy is not ExecutionContextAllocationStrategy.USER_MANAGED:
            raise UsageError(
                f"this context manages its device memory itself ({self.strategy.name})",
                hint="create_execution_context(ExecutionContextAllocationStrategy.USER_MANAGED)",
            )
        if address % ALIGN_BYTES:
            raise UsageError(
                f"device memory at {address:#x} is not aligned to {ALIGN_BYTES} bytes"
            )
        self._memory = Lent(address, nbytes)

    def for_shapes(self, needed: int, profile: int, release: Callable[[], None]) -> Memory:
        """Memory of at least so many bytes.

        Args:
            needed: By the shapes at hand. The placement of tensors is found greedily, so that
                they may need more than was counted; then more is taken.
            profile: Index of the optimization profile in use.
            release: Waits for runs and drops what refers to the memory, which then goes back.

        Raises:
            UsageError: The caller manages it, and gave none or too little.
            DeviceError: Not enough memory.
        """
        there = self._memory
        if self.strategy is ExecutionContextAllocationStrategy.USER_MANAGED:
            if needed and (there is None or there.nbytes < needed):
                has = "has none" if there is None else f"has {there.nbytes:,}"
                raise UsageError(
                    f"these shapes need {needed:,} bytes of device memory, the context {has}",
                    hint="call set_device_memory(address, size) with at least "
                    "update_device_memory_size_for_shapes() bytes",
                )
            return there or Lent(0, 0)
        changing = self.strategy is ExecutionContextAllocationStrategy.ON_PROFILE_CHANGE
        if there is None or there.nbytes < needed or (changing and profile != self._profile):
            least = self._profile_bytes(profile) if changing else self._static_bytes
            if there is not None:
                self._memory = there = None  # two at a time may be too much
                release()
            self._memory = self._device.allocate(max(needed, least))
            self._profile = profile
        assert self._memory is not None
        return self._memory
