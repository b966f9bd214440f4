"""Graphs recorded from streams that nobody else uses.

Captures and direct enqueues take turns in a process: libraries hold one handle whose stream is
set for every call. Replays of finished graphs do not wait for them.

The driver launches a graph of nothing but kernels in one go, in 1 to 2 µs whatever its length;
with a single node of another kind it goes through the nodes one by one (29 µs for 118 nodes).
Libraries put memsets between their kernels, which is why these become kernels here.
"""

import ctypes
import weakref
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.kernel import Kernel
from trtlab.devices.cuda.libraries import cupy, driver, runtime, succeeded

ENQUEUEING = RLock()
"""Held while launches are put on streams, a capture's included."""

_FILL_BLOCK, _FILL_MOST_BLOCKS = 256, 1024
FILL = Kernel(
    "fill_words",
    """extern "C" __global__ void fill_words(unsigned int* at, unsigned long long words,
                                      unsigned int value) {
    unsigned long long step = (unsigned long long)gridDim.x * blockDim.x;
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    for (; i < words; i += step) at[i] = value;
}
""",
    (1, 1, 1),
    (_FILL_BLOCK, 1, 1),
)
"""What a memset does to whole words."""

_streams: dict[int, list[Any]] = {}


class Graph:
    """A graph that can be launched; the driver forgets it with this object.

    Args:
        graph: A driver's graph, which is taken over.

    Raises:
        DeviceError: The driver cannot make it executable.
    """

    def __init__(self, graph: Any) -> None:  # noqa: ANN401 - a driver's graph
        api = driver()
        self.graph = graph
        held = [graph]
        # At the end of the process the driver forgets by itself.
        weakref.finalize(self, _destroy, held).atexit = False
        executable = succeeded(api.cuGraphInstantiate(graph, 0), "cuGraphInstantiate")
        held.append(executable)
        self._handle = int(executable)
        self._launch = cupy().cuda.runtime.graphLaunch

    def upload(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Bring it onto the device, so that the first launch is as quick as the others."""
        cupy().cuda.runtime.graphUpload(self._handle, stream.ptr)

    def launch(self, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
        """Run it behind what the stream holds."""
        self._launch(self._handle, stream.ptr)


def _destroy(held: list[Any]) -> None:
    """Results do not matter: after a fault the driver has forgotten them already."""
    for executable in held[1:]:
        driver().cuGraphExecDestroy(executable)
    driver().cuGraphDestroy(held[0])


def capture(
    device: Any,  # noqa: ANN401 - a CuPy device
    auxiliary: int,
    enqueue: Callable[[Any, Sequence[Any]], None],
    fill: Callable[[], Any],
) -> Graph:
    """A graph of what `enqueue` puts on the streams that it is given, uploaded to the device.

    Args:
        device: A CuPy device.
        auxiliary: How many streams beside the main one are needed.
        enqueue: Told the main stream and the others.
        fill: Gives the loaded function of `FILL`.

    Raises:
        DeviceError: The launches cannot be captured; says why.
    """
    faults = (DeviceError, RuntimeError)  # CuPy's and the libraries' own are RuntimeErrors
    with ENQUEUEING, device:
        index = int(device.id)
        main, *others = _own_streams(index, 1 + auxiliary)
        main.begin_capture()
        try:
            enqueue(main, others)
        except BaseException as error:
            _abandon(index, main)
            if isinstance(error, faults):
                raise DeviceError(f"a CUDA graph cannot be captured: {error}") from error
            raise
        try:
            recorded = succeeded(
                runtime().cudaStreamEndCapture(main.ptr), "cudaStreamEndCapture"
            )
            graph = driver().CUgraph(int(recorded))
            _without_memsets(graph, fill)
            made = Graph(graph)
            made.upload(main)
        except faults as error:
            _streams.pop(index, None)
            raise DeviceError(f"a CUDA graph cannot be captured: {error}") from error
        return made


def _own_streams(index: int, count: int) -> list[Any]:
    """Streams of the current device that are used for nothing else."""
    held = _streams.setdefault(index, [])
    while len(held) < count:
        held.append(cupy().cuda.Stream(non_blocking=True))
    return held[:count]


def _abandon(index: int, stream: Any) -> None:  # noqa: ANN401 - a CuPy stream
    """End a capture that failed; the streams that took part are not used again."""
    _streams.pop(index, None)
    _, graph = runtime().cudaStreamEndCapture(stream.ptr)  # fails where the capture is invalid
    if graph is not None and int(graph):
        driver().cuGraphDestroy(driver().CUgraph(int(graph)))


# ---- memsets -------------------------------------------------------------------------------


def _without_memsets(graph: Any, fill: Callable[[], Any]) -> None:  # noqa: ANN401
    """Put a kernel in the place of every memset of whole words."""
    api = driver()
    _, count = succeeded(api.cuGraphGetNodes(graph), "cuGraphGetNodes")
    nodes, _ = succeeded(api.cuGraphGetNodes(graph, count), "cuGraphGetNodes")
    memset = api.CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET
    for node in nodes[:count]:
        if succeeded(api.cuGraphNodeGetType(node), "cuGraphNodeGetType") == memset:
            params = succeeded(api.cuGraphMemsetNodeGetParams(node), "memset's parameters")
            words = whole_words(params)
            if words is not None:
                _replace(graph, node, (int(params.dst), *words), fill)


def whole_words(params: Any) -> tuple[int, int] | None:  # noqa: ANN401 - a driver's structure
    """How many words of 32 bits a memset writes, and which; None where it is no such.

    Args:
        params: With ``dst``, ``elementSize``, ``height``, ``value`` and ``width`` in elements.
    """
    size = int(params.elementSize)
    nbytes = size * int(params.width)
    if int(params.height) > 1 or nbytes % 4 or int(params.dst) % 4 or not nbytes:
        return None
    mask = (1 << 8 * size) - 1
    value = (int(params.value) & mask) * {1: 0x01010101, 2: 0x00010001, 4: 1}[size]
    return nbytes // 4, value


def _replace(
    graph: Any,  # noqa: ANN401 - a driver's graph
    node: Any,  # noqa: ANN401 - and node
    arguments: tuple[int, int, int],
    fill: Callable[[], Any],
) -> None:
    """Exchange a node for a launch of `FILL` between the same neighbours."""
    api = driver()
    before = _neighbours(api.cuGraphNodeGetDependencies, node)
    behind = _neighbours(api.cuGraphNodeGetDependentNodes, node)
    held = [ctypes.c_uint64(argument) for argument in arguments]
    places = (ctypes.c_void_p * len(held))(*[ctypes.addressof(h) for h in held])
    params = api.CUDA_KERNEL_NODE_PARAMS()
    params.func = api.CUfunction(int(fill().ptr))
    params.gridDimX = min(-(-arguments[1] // _FILL_BLOCK), _FILL_MOST_BLOCKS)
    params.blockDimX, params.gridDimY, params.gridDimZ = _FILL_BLOCK, 1, 1
    params.blockDimY, params.blockDimZ, params.sharedMemBytes = 1, 1, 0
    params.kernelParams = ctypes.addressof(places)
    made = succeeded(
        api.cuGraphAddKernelNode(graph, before, len(before), params), "cuGraphAddKernelNode"
    )
    edges = ([made] * len(behind), behind)
    if behind and api.CUDA_VERSION >= 13000:  # from then on edges have data
        done = api.cuGraphAddDependencies(graph, *edges, None, len(behind))
        succeeded((*done, None), "cuGraphAddDependencies")
    elif behind:
        done = api.cuGraphAddDependencies(graph, *edges, len(behind))
        succeeded((*done, None), "cuGraphAddDependencies")
    succeeded((*api.cuGraphDestroyNode(node), None), "cuGraphDestroyNode")


def _neighbours(ask: Callable[..., Any], node: Any) -> list[Any]:  # noqa: ANN401 - graph nodes
    *_, count = succeeded(ask(node), "a node's neighbours")
    if not count:
        return []
    nodes, *_ = succeeded(ask(node, count), "a node's neighbours")
    return list(nodes[:count])
