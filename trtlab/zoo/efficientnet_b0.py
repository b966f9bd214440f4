"""EfficientNet-B0: inverted residuals with squeeze-and-excitation and Swish.

Swish is written as Sigmoid and Mul, the squeeze as a global pool and two 1×1 convolutions.
Source: Tan and Le 2019, arXiv:1905.11946, table 1; names as in torchvision.
"""

from dataclasses import dataclass

from trtlab.zoo import weights
from trtlab.zoo.graph import GraphWriter


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the paper's table."""

    expansion: int
    kernel: int
    stride: int
    width: int
    repeats: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
CLASSES = 1000


def write(graph: GraphWriter) -> None:
    """Write the network: ``x`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000]."""
    with graph.scope("features.0"):
        x = graph.silu(_conv_norm(graph, "x", (3, STEM_CHANNELS), kernel=3, stride=2))
    channels = STEM_CHANNELS  # [N, 32, 112, 112]
    for index, stage in enumerate(STAGES, start=1):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            with graph.scope(f"features.{index}.{repeat}"):
                with graph.scope("block"):
                    branch = _branch(graph, x, channels, stage, stride)
                residual = _is_residual(stride, channels, stage.width)
                x = graph.node("Add", branch, x) if residual else branch
            channels = stage.width
    with graph.scope(f"features.{len(STAGES) + 1}"):
        x = graph.silu(_conv_norm(graph, x, (channels, HEAD_CHANNELS)))
    x = graph.node("GlobalAveragePool", x)  # [N, 1280, 1, 1]
    x = graph.node("Flatten", x, axis=1)  # [N, 1280]
    with graph.scope("classifier.1"):
        graph.gemm(x, (HEAD_CHANNELS, CLASSES), gain=weights.GAIN_SILU, output="logits")
    graph.output("logits", "float32", ("batch", CLASSES))


def _is_residual(stride: int, channels: int, width: int) -> bool:
    return stride == 1 and channels == width


def _branch(graph: GraphWriter, x: str, channels: int, stage: Stage, stride: int) -> str:
    """Expand, depthwise, squeeze-and-excitation, linear projection."""
    hidden = channels * stage.expansion
    index = 0
    if stage.expansion != 1:
        with graph.scope("0"):
            x = graph.silu(_conv_norm(graph, x, (channels, hidden)))
        index = 1
    with graph.scope(str(index)):
        x = _conv_norm(
            graph,
            x,
            (hidden, hidden),
            kernel=stage.kernel,
            stride=stride,
            groups=hidden,
            gain=weights.GAIN_SILU_UNCENTRED,
        )
        x = graph.silu(x)
    with graph.scope(str(index + 1)):
        x = _squeeze_excitation(graph, x, hidden, max(1, channels // 4))
    with graph.scope(str(index + 2)):
        residual = _is_residual(stride, channels, stage.width)
        return _conv_norm(
            graph,
            x,
            (hidden, stage.width),
            gain=weights.GAIN_SILU * weights.GATE_GAIN,
            scale=weights.NORM_SCALE_RESIDUAL if residual else weights.NORM_SCALE,
        )


def _squeeze_excitation(graph: GraphWriter, x: str, channels: int, squeezed: int) -> str:
    """Scale each channel by a gate computed from all channels' means.

    Source: Hu et al. 2018, arXiv:1709.01507.
    """
    means = graph.node("GlobalAveragePool", x)  # [N, C, 1, 1]
    with graph.scope("fc1"):
        gate = graph.conv(
            means, (channels, squeezed), kernel=1, gain=weights.GAIN_SILU, bias=True
        )
    gate = graph.silu(gate)
    with graph.scope("fc2"):
        gate = graph.conv(
            gate, (squeezed, channels), kernel=1, gain=weights.GAIN_SILU, bias=True
        )
    return graph.node("Mul", graph.node("Sigmoid", gate), x)


def _conv_norm(
    graph: GraphWriter,
    x: str,
    channels: tuple[int, int],
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    gain: float = weights.GAIN_LINEAR,
    scale: weights.Fill = weights.NORM_SCALE,
) -> str:
    with graph.scope("0"):
        x = graph.conv(x, channels, kernel=kernel, stride=stride, groups=groups, gain=gain)
    with graph.scope("1"):
        return graph.batch_norm(x, channels[1], scale=scale)
