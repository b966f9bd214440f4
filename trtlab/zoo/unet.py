"""U-Net: four levels down, four up, a skip connection at each; no normalization.

The classical network with half its width (32 channels at the top), padded convolutions,
so that the mask is as large as the image, and transposed convolutions upwards. Filters have
a variance of 2 / fan-in, as in the paper's section 3.
Source: Ronneberger et al. 2015, arXiv:1505.04597.
"""

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter
from trtlab.zoo.weights import GAIN_RELU_UNCENTRED, NOT_CENTRED

BASE_CHANNELS = 32
LEVELS = 4
CLASSES = 2


def write(graph: GraphWriter) -> None:
    """Write the network: ``x`` [batch, 3, h, w] -> ``logits`` [batch, 2, h, w]."""
    image = graph.inputs[0]
    skips: list[str] = []
    x, channels = "x", 3
    for level in range(LEVELS):
        width = BASE_CHANNELS << level
        with graph.scope(f"down{level}"):
            x = _double_conv(graph, x, (channels, width), linear_input=level == 0)
            skips.append(x)
            x = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        channels = width
    with graph.scope("bottom"):
        x = _double_conv(graph, x, (channels, 2 * channels))  # [N, 512, h / 16, w / 16]
    for level in reversed(range(LEVELS)):
        width = BASE_CHANNELS << level
        with graph.scope(f"up{level}"):
            with graph.scope("up"):
                x = _upsample(graph, x, (2 * width, width))
            x = graph.node("Concat", skips[level], x, axis=1)  # [N, 2 width, ...]
            x = _double_conv(graph, x, (2 * width, width))
    with graph.scope("outc"):
        graph.conv(
            x,
            (BASE_CHANNELS, CLASSES),
            kernel=1,
            gain=GAIN_RELU_UNCENTRED,
            bias=True,
            centring=NOT_CENTRED,
            output="logits",
        )
    graph.output("logits", "float32", ("batch", CLASSES, *image.shape[2:]))


def _double_conv(
    graph: GraphWriter, x: str, channels: tuple[int, int], *, linear_input: bool = False
) -> str:
    """Two 3×3 convolutions, each with bias and ReLU."""
    c, k = channels
    gain = weights.GAIN_LINEAR if linear_input else GAIN_RELU_UNCENTRED
    with graph.scope("conv1"):
        x = graph.conv(x, (c, k), kernel=3, gain=gain, bias=True, centring=NOT_CENTRED)
    x = graph.node("Relu", x)
    with graph.scope("conv2"):
        gain = GAIN_RELU_UNCENTRED
        x = graph.conv(x, (k, k), kernel=3, gain=gain, bias=True, centring=NOT_CENTRED)
    return graph.node("Relu", x)


def _upsample(graph: GraphWriter, x: str, channels: tuple[int, int]) -> str:
    """2×2 transposed convolution of stride 2: each output pixel sees one input pixel."""
    c, k = channels
    fill = weights.fan_in_normal(c, GAIN_RELU_UNCENTRED, (0,), centring=NOT_CENTRED)
    return graph.node(
        "ConvTranspose",
        x,
        graph.parameter("weight", (c, k, 2, 2), fill),
        graph.parameter("bias", (k,), weights.BIAS),
        dilations=[1, 1],
        group=1,
        kernel_shape=[2, 2],
        pads=[0, 0, 0, 0],
        strides=[2, 2],
    )
