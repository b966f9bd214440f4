"""MobileNet-v2: inverted residuals with linear bottlenecks and depthwise convolutions.

Source: Sandler et al. 2018, arXiv:1801.04381, table 2; names as in torchvision.
"""

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter

# expansion, output channels, repeats, stride of the first
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
CLASSES = 1000


def write(graph: GraphWriter) -> None:
    """Write the network: ``x`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000]."""
    with graph.scope("features.0"):
        x = _conv_norm(graph, "x", (3, STEM_CHANNELS), kernel=3, stride=2)
        x = graph.relu6(x)  # [N, 32, 112, 112]
    channels, index = STEM_CHANNELS, 1
    for expansion, width, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            with graph.scope(f"features.{index}.conv"):
                branch = _branch(graph, x, (channels, width), expansion, stride)
            with graph.scope(f"features.{index}"):
                x = (
                    graph.node("Add", x, branch)
                    if _is_residual(stride, channels, width)
                    else branch
                )
            channels, index = width, index + 1
    with graph.scope(f"features.{index}"):
        x = graph.relu6(_conv_norm(graph, x, (channels, HEAD_CHANNELS)))
    x = graph.node("GlobalAveragePool", x)  # [N, 1280, 1, 1]
    x = graph.node("Flatten", x, axis=1)  # [N, 1280]
    with graph.scope("classifier.1"):
        graph.gemm(x, (HEAD_CHANNELS, CLASSES), gain=weights.GAIN_RELU, output="logits")
    graph.output("logits", "float32", ("batch", CLASSES))


def _is_residual(stride: int, channels: int, width: int) -> bool:
    return stride == 1 and channels == width


def _branch(
    graph: GraphWriter,
    x: str,
    channels: tuple[int, int],
    expansion: int,
    stride: int,
) -> str:
    """1×1 expand (unless the factor is 1), 3×3 depthwise, linear 1×1 project."""
    narrow, width = channels
    hidden = narrow * expansion
    index = 0
    if expansion != 1:
        with graph.scope("0"):
            x = graph.relu6(_conv_norm(graph, x, (narrow, hidden)))
        index = 1
    with graph.scope(str(index)):
        gain = weights.GAIN_RELU_UNCENTRED
        x = _conv_norm(
            graph, x, (hidden, hidden), kernel=3, stride=stride, groups=hidden, gain=gain
        )
        x = graph.relu6(x)
    with graph.scope(str(index + 1)):
        x = graph.conv(x, (hidden, width), kernel=1, gain=weights.GAIN_RELU)
    residual = _is_residual(stride, narrow, width)
    with graph.scope(str(index + 2)):
        scale = weights.NORM_SCALE_RESIDUAL if residual else weights.NORM_SCALE
        return graph.batch_norm(x, width, scale=scale)


def _conv_norm(
    graph: GraphWriter,
    x: str,
    channels: tuple[int, int],
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    gain: float = weights.GAIN_LINEAR,
) -> str:
    with graph.scope("0"):
        x = graph.conv(x, channels, kernel=kernel, stride=stride, groups=groups, gain=gain)
    with graph.scope("1"):
        return graph.batch_norm(x, channels[1])
