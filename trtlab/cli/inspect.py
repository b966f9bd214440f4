"""``trtlab inspect``: what a model or an engine is made of."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from trtlab.cli.command import Command
from trtlab.cli.printing import table
from trtlab.core.types import Shape, format_shape
from trtlab.engine import inspector, plan_file
from trtlab.engine.engine import Engine
from trtlab.network import text
from trtlab.network.graph import Tensor
from trtlab.network.types_at import infer_at
from trtlab.report.precisions import precision_text
from trtlab.report.quantity import nbytes
from trtlab.session.sources import open_source
from trtlab.session.work import describe


class Inspect(Command):
    """Show what a model or an engine is made of.

    trtlab inspect model resnet50 --layers
    trtlab inspect engine resnet50.engine --json
    """

    name: ClassVar[str] = "inspect"

    def prepare(self, parser: ArgumentParser) -> None:
        """What kind of file, and how to show it."""
        parser.add_argument("kind", choices=("model", "engine"))
        parser.add_argument("file", metavar="FILE", help="ONNX file, zoo name, or engine file")
        parser.add_argument("--layers", action="store_true", help="one line a layer")
        parser.add_argument("--json", action="store_true",
                            help="an engine in the inspector's JSON")  # fmt: skip

    def run(self, args: Namespace) -> int:
        """Print it."""
        if args.kind == "model":
            _model(args)
        else:
            _engine(args)
        return 0


def _model(args: Namespace) -> None:
    parsed = open_source(args.file)
    record = parsed.model_record
    print(f"{record.name}: opset {record.opset}, {record.nodes} nodes, "
          f"{record.parameters:,} parameters, by {record.producer or 'unknown'}")  # fmt: skip
    for label, tensors in (("input", record.inputs), ("output", record.outputs)):
        for t in tensors:
            print(f"  {label} {t.name}: {t.dtype} [{', '.join(map(str, t.shape))}]")
    if args.layers:
        print(text.dump(parsed.network))
        return
    counts = sorted(record.op_counts.items(), key=lambda pair: -pair[1])
    print(table(("operator", "nodes"), [(op, str(n)) for op, n in counts]))


def _engine(args: Namespace) -> None:
    engine = plan_file.load(Path(args.file))
    layers = describe(engine).layers
    if args.json:
        print(inspector.engine_text(engine, layers, as_json=True))
        return
    precision = precision_text(engine.config, layers)
    print(f"{engine.name}: {precision}, {len(engine.network)} layers, "
          f"{nbytes(engine.weights_bytes)} weights, built {engine.created} for "
          f"{engine.device.name} ({engine.compatibility})")  # fmt: skip
    if engine.code:
        print(f"  carries {inspector.code_summary(engine)}")
    for t in engine.network.inputs:
        _binding("input", t, engine.profiles[0].inputs[t.name])
    ranges = _output_ranges(engine)
    for t in engine.network.outputs:
        _binding("output", t, ranges[t.name])
    if args.layers:
        print(inspector.engine_text(engine, layers, as_json=False))


def _binding(label: str, tensor: Tensor, ranges: Sequence[Shape]) -> None:
    named = zip(("min", "opt", "max"), ranges, strict=True)
    told = ", ".join(f"{which} {format_shape(shape)}" for which, shape in named)
    print(f"  {label} {tensor.name}: {tensor.dtype.value}, {told}")


def _output_ranges(engine: Engine) -> dict[str, list[Shape]]:
    """The outputs' shapes at the profile's min, opt and max."""
    profile = engine.profiles[0]
    low, high = profile.extremes()
    inferred = [infer_at(engine.network, shapes) for shapes in (low, profile.opt(), high)]
    return {t.name: [at.types[t].shape for at in inferred] for t in engine.network.outputs}
