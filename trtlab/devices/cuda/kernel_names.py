"""Names of the kernels behind a launch, a library's included: the nodes of a captured graph.

The launches are recorded into a graph that never runs; its kernel nodes tell their functions,
and these their names (mangled where C++ mangled them).
Source: CUDA Driver API, "Graph Management".
"""

from collections.abc import Sequence
from typing import Any

from trtlab.core.errors import DeviceError
from trtlab.devices.cuda.kernel import Launch
from trtlab.devices.cuda.libraries import driver, runtime, succeeded


def kernel_names(launches: Sequence[Launch], stream: Any) -> tuple[str, ...]:  # noqa: ANN401
    """What the launches run, in order; copies and fills by the library are called so.

    Args:
        launches: Prepared and capturable.
        stream: An idle CuPy stream.

    Raises:
        DeviceError: They cannot be recorded.
    """
    graph = _recorded(launches, stream)
    try:
        api = driver()
        _, count = succeeded(api.cuGraphGetNodes(graph), "cuGraphGetNodes")
        nodes, _ = succeeded(api.cuGraphGetNodes(graph, count), "cuGraphGetNodes")
        return tuple(name for node in nodes[:count] if (name := _name(node)))
    finally:
        succeeded((*driver().cuGraphDestroy(graph), None), "cuGraphDestroy")


def _recorded(launches: Sequence[Launch], stream: Any) -> Any:  # noqa: ANN401 - a driver graph
    api = runtime()
    mode = api.cudaStreamCaptureMode.cudaStreamCaptureModeRelaxed
    succeeded((*api.cudaStreamBeginCapture(stream.ptr, mode), None), "cudaStreamBeginCapture")
    try:
        for launch in launches:
            launch.enqueue(stream)
    finally:  # a capture is always ended, so that the stream stays usable
        ended = api.cudaStreamEndCapture(stream.ptr)
    graph = succeeded(ended, "cudaStreamEndCapture")
    if not int(graph):
        raise DeviceError("the launches cannot be recorded into a graph")
    return driver().CUgraph(int(graph))


def _name(node: Any) -> str:  # noqa: ANN401 - a driver graph's node
    api = driver()
    kinds = api.CUgraphNodeType
    kind = succeeded(api.cuGraphNodeGetType(node), "cuGraphNodeGetType")
    if kind == kinds.CU_GRAPH_NODE_TYPE_MEMCPY:
        return "memcpy"
    if kind == kinds.CU_GRAPH_NODE_TYPE_MEMSET:
        return "memset"
    if kind != kinds.CU_GRAPH_NODE_TYPE_KERNEL:
        return ""
    params = succeeded(api.cuGraphKernelNodeGetParams(node), "cuGraphKernelNodeGetParams")
    if int(params.func):
        name = succeeded(api.cuFuncGetName(params.func), "cuFuncGetName")
    else:
        name = succeeded(api.cuKernelGetName(params.kern), "cuKernelGetName")
    return bytes(name).decode(errors="replace")
