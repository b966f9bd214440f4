"""Memory of sample reports: where each layer's output lies, and how long."""

from collections.abc import Sequence

from trtlab.report.records import AllocationRecord, LayerRecord, MemoryRecord


def sample_memory(layers: Sequence[LayerRecord]) -> MemoryRecord:
    """Each layer's output in the first gap of the arena that is free while it is needed."""
    first = {layer.outputs[0].name: layer.index for layer in layers}
    last: dict[str, int] = {}
    for layer in layers:
        last.update({tensor.name: layer.index for tensor in layer.inputs})
    placed: list[AllocationRecord] = []
    for layer in layers:
        tensor = layer.outputs[0]
        until = last.get(tensor.name, len(layers) - 1)
        live = sorted(
            (a for a in placed if a.last_step >= layer.index), key=lambda a: a.offset_bytes
        )
        offset = 0
        for other in live:
            if other.offset_bytes - offset >= tensor.nbytes:
                break
            offset = max(offset, other.offset_bytes + other.size_bytes)
        placed.append(
            AllocationRecord(tensor.name, offset, tensor.nbytes, first[tensor.name], until)
        )
    return MemoryRecord(
        arena_bytes=max(a.offset_bytes + a.size_bytes for a in placed),
        weights_bytes=sum(layer.weights_bytes for layer in layers),
        workspace_bytes=max(layer.workspace_bytes for layer in layers),
        io_bytes=layers[0].inputs[0].nbytes + layers[-1].outputs[0].nbytes,
        peak_process_bytes=412 * 2**20,
        unshared_bytes=sum(a.size_bytes for a in placed),
        allocations=tuple(placed),
    )
