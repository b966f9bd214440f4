"""What the zoo holds, described without building anything and without importing onnx."""

import difflib
import functools
import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from trtlab.core.errors import UsageError
from trtlab.zoo.graph import Dimension, GraphWriter, Value

InputKind: TypeAlias = Literal["values", "ids", "mask"]


@dataclass(frozen=True, slots=True)
class ZooInput:
    """One graph input and the shapes to profile it with.

    Attributes:
        name: Tensor name.
        dtype: ``float32`` or ``int64``.
        shape: Symbolic dimensions are strings.
        min_shape: Smallest shape of the default optimization profile.
        opt_shape: The shape to optimize for.
        max_shape: Largest shape.
        kind: ``values`` are normal floats, ``ids`` are below ``id_count``, a ``mask`` is
            ones followed by zeros.
        id_count: Rows of the table that the ids index; 0 for other kinds.
    """

    name: str
    dtype: str
    shape: tuple[Dimension, ...]
    min_shape: tuple[int, ...]
    opt_shape: tuple[int, ...]
    max_shape: tuple[int, ...]
    kind: InputKind = "values"
    id_count: int = 0


@dataclass(frozen=True, slots=True)
class ZooModel:
    """One architecture.

    Attributes:
        name: The name that the zoo's functions take.
        title: The name in papers.
        task: What it is trained for.
        description: One sentence: what is particular about its graph.
        source: The paper.
        inputs: In the graph's order.
    """

    name: str
    title: str
    task: str
    description: str
    source: str
    inputs: tuple[ZooInput, ...]

    @property
    def parameters(self) -> int:
        """Learnable parameters, counted in the graph; running statistics left out."""
        return _parameter_count(self.name)


def names() -> tuple[str, ...]:
    """Names of all architectures that ``build`` knows."""
    return tuple(_MODELS)


def info(name: str) -> ZooModel:
    """Describe one architecture.

    Raises:
        UsageError: There is none of this name; the hint lists near ones.
    """
    if name not in _MODELS:
        raise unknown_name("zoo model", name, _MODELS)
    return _MODELS[name]


def light_names() -> tuple[str, ...]:
    """Names of the ``light_*`` models inside the installed onnx package."""
    return tuple(sorted(light_paths()))


def light_paths() -> dict[str, Path]:
    """Files of the light models by name, found without importing onnx."""
    spec = importlib.util.find_spec("onnx")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent / "backend" / "test" / "data" / "light"
    return {path.stem: path for path in folder.glob("light_*.onnx")}


def unknown_name(what: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in ``known``; its hint lists near ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(known)}"
    return UsageError(f"no {what} is called {name!r}", hint=hint)


def draft(name: str) -> GraphWriter:
    """Write the architecture's graph, without weights' values.

    Raises:
        UsageError: There is none of this name.
    """
    graph = GraphWriter([Value(i.name, i.dtype, i.shape) for i in info(name).inputs])
    # Each architecture is the module of its name; loaded on demand, most are never used.
    importlib.import_module(f"trtlab.zoo.{name}").write(graph)
    return graph


@functools.cache
def _parameter_count(name: str) -> int:
    return draft(name).parameter_count


def _image(edge: int, max_batch: int) -> tuple[ZooInput, ...]:
    shape = (3, edge, edge)
    return (
        ZooInput(
            name="x",
            dtype="float32",
            shape=("batch", *shape),
            min_shape=(1, *shape),
            opt_shape=(1, *shape),
            max_shape=(max_batch, *shape),
        ),
    )


def _ids(
    name: str, opt: tuple[int, int], largest: tuple[int, int], kind: InputKind, id_count: int
) -> ZooInput:
    return ZooInput(
        name=name,
        dtype="int64",
        shape=("batch", "sequence"),
        min_shape=(1, 1),
        opt_shape=opt,
        max_shape=largest,
        kind=kind,
        id_count=id_count,
    )


_MODELS = {
    model.name: model
    for model in (
        ZooModel(
            name="resnet50",
            title="ResNet-50 v1.5",
            task="image classification",
            description="Residual bottlenecks of dense convolutions; "
            "batch normalization kept as nodes.",
            source="He et al. 2016, arXiv:1512.03385",
            inputs=_image(224, max_batch=32),
        ),
        ZooModel(
            name="mobilenet_v2",
            title="MobileNet-v2",
            task="image classification",
            description="Depthwise convolutions between thin linear bottlenecks; "
            "bound by memory traffic.",
            source="Sandler et al. 2018, arXiv:1801.04381",
            inputs=_image(224, max_batch=32),
        ),
        ZooModel(
            name="efficientnet_b0",
            title="EfficientNet-B0",
            task="image classification",
            description="Depthwise 3×3 and 5×5 convolutions, Swish, and "
            "squeeze-and-excitation gates.",
            source="Tan and Le 2019, arXiv:1905.11946",
            inputs=_image(224, max_batch=32),
        ),
        ZooModel(
            name="unet",
            title="U-Net (base 32)",
            task="image segmentation",
            description="Large activations, skip connections that live long, "
            "and transposed convolutions.",
            source="Ronneberger et al. 2015, arXiv:1505.04597",
            inputs=_image(192, max_batch=8),
        ),
        ZooModel(
            name="bert_base",
            title="BERT-base",
            task="text encoding",
            description="Post-normalized encoder with masked attention from "
            "separate projections and the exact GELU.",
            source="Devlin et al. 2019, arXiv:1810.04805",
            inputs=(
                _ids("input_ids", (1, 128), (8, 384), "ids", 30522),
                _ids("attention_mask", (1, 128), (8, 384), "mask", 0),
                _ids("token_type_ids", (1, 128), (8, 384), "ids", 2),
            ),
        ),
        ZooModel(
            name="vit_b16",
            title="ViT-B/16",
            task="image classification",
            description="Pre-normalized encoder over image patches with one "
            "fused projection for attention.",
            source="Dosovitskiy et al. 2021, arXiv:2010.11929",
            inputs=_image(224, max_batch=16),
        ),
        ZooModel(
            name="gpt2",
            title="GPT-2 small (prefill)",
            task="language modelling",
            description="Causal decoder whose shapes are computed inside the graph, "
            "with a tied output head.",
            source="Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
            inputs=(_ids("input_ids", (1, 128), (4, 512), "ids", 50257),),
        ),
        ZooModel(
            name="lstm",
            title="LSTM, two layers",
            task="speech recognition (frame-wise)",
            description="Recurrence over a dynamic number of steps; bound by latency "
            "and by reading weights.",
            source="Graves et al. 2013, arXiv:1303.5778",
            inputs=(
                ZooInput(
                    name="x",
                    dtype="float32",
                    shape=("batch", "sequence", 80),
                    min_shape=(1, 1, 80),
                    opt_shape=(1, 100, 80),
                    max_shape=(16, 400, 80),
                ),
            ),
        ),
    )
}
