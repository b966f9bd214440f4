"""The nine ImageNet topologies that onnx packages for its tests, with usable weights."""

import onnx

from trtlab.zoo.catalog import light_paths, unknown_name
from trtlab.zoo.refill import refill_weights


def light(name: str, *, seed: int = 0) -> onnx.ModelProto:
    """Load one of the packaged ``light_*`` models and refill its weights.

    Args:
        name: One of ``light_names()``.
        seed: See ``refill_weights``.

    Returns:
        Opset 9, one image [1, 3, 224, 224] in, 1000 scores out.

    Raises:
        UsageError: There is no light model of this name in the installed onnx.
    """
    paths = light_paths()
    if name not in paths:
        raise unknown_name("light model", name, paths)
    return refill_weights(onnx.ModelProto.FromString(paths[name].read_bytes()), seed=seed)
