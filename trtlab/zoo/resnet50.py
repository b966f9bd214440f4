"""ResNet-50 v1.5: bottleneck blocks whose stride sits on the 3×3 convolution.

Source: He et al. 2016, arXiv:1512.03385; v1.5 as in torchvision's ``resnet50``.
"""

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter

BLOCKS = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
CLASSES = 1000


def write(graph: GraphWriter) -> None:
    """Write the network: ``x`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000]."""
    x = _conv_norm(graph, "x", "conv1", "bn1", (3, 64), kernel=7, stride=2, linear_input=True)
    x = graph.node("Relu", x)
    x = graph.node(  # [N, 64, 56, 56]
        "MaxPool", x, ceil_mode=0, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]
    )
    channels = 64
    for stage, (blocks, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True)):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            with graph.scope(f"layer{stage + 1}.{block}"):
                x = _bottleneck(graph, x, channels, width, stride)
            channels = width * EXPANSION
    x = graph.node("GlobalAveragePool", x)  # [N, 2048, 1, 1]
    x = graph.node("Flatten", x, axis=1)  # [N, 2048]
    with graph.scope("fc"):
        graph.gemm(
            x,
            (channels, CLASSES),
            gain=weights.GAIN_RELU_HALF_CENTRED,
            centring=weights.HALF_CENTRED,
            output="logits",
        )
    graph.output("logits", "float32", ("batch", CLASSES))


def _bottleneck(graph: GraphWriter, x: str, channels: int, width: int, stride: int) -> str:
    """1×1 reduce, 3×3, 1×1 expand, plus the shortcut."""
    wide = width * EXPANSION
    y = graph.node("Relu", _conv_norm(graph, x, "conv1", "bn1", (channels, width)))
    y = _conv_norm(graph, y, "conv2", "bn2", (width, width), kernel=3, stride=stride)
    y = graph.node("Relu", y)
    y = _conv_norm(graph, y, "conv3", "bn3", (width, wide), scale=weights.NORM_SCALE_RESIDUAL)
    shortcut = x
    if channels != wide:
        shortcut = _conv_norm(
            graph, x, "downsample.0", "downsample.1", (channels, wide), stride=stride
        )
    return graph.node("Relu", graph.node("Add", y, shortcut))


def _conv_norm(
    graph: GraphWriter,
    x: str,
    conv_name: str,
    norm_name: str,
    channels: tuple[int, int],
    *,
    kernel: int = 1,
    stride: int = 1,
    linear_input: bool = False,
    scale: weights.Fill = weights.NORM_SCALE,
) -> str:
    gain = weights.GAIN_LINEAR if linear_input else weights.GAIN_RELU_HALF_CENTRED
    centring = weights.HALF_CENTRED
    with graph.scope(conv_name):
        x = graph.conv(x, channels, kernel=kernel, stride=stride, gain=gain, centring=centring)
    with graph.scope(norm_name):
        return graph.batch_norm(x, channels[1], scale=scale)
