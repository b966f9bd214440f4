"""trtexec's flags, as far as they mean something here."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from trtlab.cli.exec_io_formats import parse_io_formats
from trtlab.cli.options import (
    parse_assignments,
    parse_device,
    parse_pools,
    parse_seed,
    parse_shapes,
    parse_time,
)
from trtlab.core.errors import UsageError
from trtlab.engine.engine import ShapeRange

# Understood by trtexec, without a counterpart on the device at hand: accepted and said so.
HINTS = ("separateProfileRun", "exposeDMA")
# They say how a GPU multiplies, is asked and waited for.
GPU_ONLY = ("noTF32", "useCudaGraph", "noCudaGraph", "useSpinWait", "noSpinWait")

WRITTEN = ("saveEngine", "exportTimes", "exportProfile", "exportLayerInfo", "exportOutput")


def declare(parser: ArgumentParser) -> None:
    """All flags, in trtexec's groups and spelling."""
    _model(parser)
    _build(parser)
    _inference(parser)
    _reporting(parser)


def _model(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument("--onnx", metavar="FILE", help="ONNX file or zoo name")
    source.add_argument("--loadEngine", type=Path, metavar="FILE", help="engine file")
    group.add_argument("--device", type=parse_device, default="cpu",
                       help="cpu, cuda, or as in trtexec a GPU's number: 0 is cuda:0 "
                       "(default: cpu)")  # fmt: skip


def _build(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("build")
    for which in ("min", "opt", "max"):
        group.add_argument(f"--{which}Shapes", type=parse_shapes, default={}, metavar="SPEC",
                           help=f"{which} shapes of the profile, NAME:AxB,…")  # fmt: skip
    group.add_argument("--fp16", action="store_true", help="allow FP16 (emulated on the CPU)")
    group.add_argument("--bf16", action="store_true", help="allow BF16 (emulated on the CPU)")
    group.add_argument("--noTF32", action="store_true",
                       help="FP32 layers of a GPU do not multiply in TF32")  # fmt: skip
    group.add_argument("--best", action="store_true", help="allow every precision there is")
    group.add_argument("--stronglyTyped", action="store_true",
                       help="layers compute in the model's own types")  # fmt: skip
    group.add_argument("--explicitBatch", action="store_true",
                       help="accepted without effect: batches always are explicit")  # fmt: skip
    group.add_argument("--precisionConstraints", default="none",
                       choices=("none", "prefer", "obey"))  # fmt: skip
    group.add_argument("--layerPrecisions", type=parse_assignments, default={},
                       metavar="LAYER:TYPE,…",
                       help="layers by name; * stands for any part of one")  # fmt: skip
    for role in ("input", "output"):
        group.add_argument(f"--{role}IOFormats", type=parse_io_formats, default=(),
                           metavar="TYPE:chw,…",
                           help=f"types of the {role}s, one for all or one for each")  # fmt: skip
    group.add_argument("--memPoolSize", type=parse_pools, default={}, metavar="POOL:SIZE")
    group.add_argument("--workspace", type=_workspace, default={}, metavar="N",
                       help="--memPoolSize=workspace:N, in MiB")  # fmt: skip
    group.add_argument("--builderOptimizationLevel", type=int, default=3, choices=range(6))
    group.add_argument("--maxAuxStreams", type=int, default=0, metavar="N")
    group.add_argument("--avgTiming", type=int, default=8, metavar="N",
                       help="timed runs of every tactic")  # fmt: skip
    group.add_argument("--timingCacheFile", type=Path, metavar="FILE")
    group.add_argument("--noBuilderCache", action="store_true", help="time every tactic anew")
    group.add_argument("--tacticSources", default="", metavar="NAME,…")
    group.add_argument("--profilingVerbosity", default="detailed",
                       choices=("layer_names_only", "detailed", "none"))  # fmt: skip
    group.add_argument("--saveEngine", type=Path, metavar="FILE")
    group.add_argument("--skipInference", "--buildOnly", action="store_true")
    group.add_argument("--seed", type=parse_seed, default=0,
                       help="of a zoo model's random weights")  # fmt: skip
    for name in HINTS:
        group.add_argument(f"--{name}", action="store_true", help="accepted; no effect here")


def _inference(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("inference")
    group.add_argument("--shapes", type=parse_shapes, default={}, metavar="SPEC")
    group.add_argument("--loadInputs", type=parse_assignments, default={}, metavar="NAME:FILE,…",
                       help="raw little-endian files")  # fmt: skip
    group.add_argument("--iterations", type=int, default=10, metavar="N")
    group.add_argument("--duration", type=parse_time, default=3.0, metavar="S")
    group.add_argument("--warmUp", type=parse_time, default=200.0, metavar="MS")
    group.add_argument("--idleTime", type=parse_time, default=0.0, metavar="MS")
    group.add_argument("--noDataTransfers", action="store_true")
    graphs = group.add_mutually_exclusive_group()
    graphs.add_argument("--useCudaGraph", action="store_true",
                        help="replay a CUDA graph (default on a GPU)")  # fmt: skip
    graphs.add_argument("--noCudaGraph", action="store_true", help="enqueue layer by layer")
    waits = group.add_mutually_exclusive_group()
    waits.add_argument("--useSpinWait", action="store_true",
                       help="poll for the GPU's answer (default)")  # fmt: skip
    waits.add_argument("--noSpinWait", action="store_true",
                       help="sleep until the GPU answers, and leave the core free")  # fmt: skip
    group.add_argument("--infStreams", "--streams", type=int, default=1, metavar="N")


def _reporting(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("reporting")
    group.add_argument("--avgRuns", type=_runs, default=10, metavar="N")
    group.add_argument("--percentile", default="90,95,99", metavar="P,…")
    group.add_argument("--dumpProfile", action="store_true", help="the layers' times")
    group.add_argument("--dumpLayerInfo", action="store_true", help="the layers")
    group.add_argument("--dumpOutput", action="store_true", help="the outputs' values")
    group.add_argument("--exportTimes", type=Path, metavar="FILE")
    group.add_argument("--exportProfile", type=Path, metavar="FILE")
    group.add_argument("--exportLayerInfo", type=Path, metavar="FILE")
    group.add_argument("--exportOutput", type=Path, metavar="FILE")
    group.add_argument("--verbose", action="store_true", help="what the builder logs")


def profiles(args: Namespace) -> dict[str, ShapeRange]:
    """Min, opt and max from the flags; what is left out follows the others, as in trtexec.

    Raises:
        UsageError: The three name different inputs.
    """
    low, opt, high = args.minShapes, args.optShapes, args.maxShapes
    if not (low or opt or high):
        return {name: (shape, shape, shape) for name, shape in args.shapes.items()}
    opt = opt or high or low
    low, high = low or opt, high or opt
    if not (low.keys() == opt.keys() == high.keys()):
        raise UsageError(
            "--minShapes, --optShapes and --maxShapes name different inputs",
            where=tuple(f"{k}: {', '.join(v)}" for k, v in zip(
                ("min", "opt", "max"), (low, opt, high), strict=True)),
            hint="give all three for each dynamic input",
        )  # fmt: skip
    return {name: (low[name], opt[name], high[name]) for name in opt}


def without_effect_on_engines(args: Namespace) -> list[str]:
    """The flags for a build that were given."""
    parser = ArgumentParser()
    _build(parser)
    after_the_build = {"saveEngine", "skipInference", *HINTS}
    return [
        f"--{name}"
        for name, default in vars(parser.parse_args([])).items()
        if name not in after_the_build and getattr(args, name) != default
    ]


def pools(args: Namespace) -> dict[str, int]:
    """Limits in bytes by pool.

    Raises:
        UsageError: The workspace has two.
    """
    if args.workspace.keys() & args.memPoolSize.keys():
        raise UsageError(
            "--workspace and --memPoolSize=workspace:… are the same limit", hint="give one"
        )
    return {**args.memPoolSize, **args.workspace}


def _runs(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text!r} is no number of runs, such as 10")
    return int(text)


def _workspace(text: str) -> dict[str, int]:
    try:
        return parse_pools(f"workspace:{text}")
    except ArgumentTypeError:
        raise ArgumentTypeError(f"{text!r} is no number of MiB, such as 512") from None


def strongly_typed(args: Namespace) -> bool:
    """Whether the model's own types hold.

    Raises:
        UsageError: Other flags name types.
    """
    if not args.stronglyTyped:
        return False
    given = [f"--{name}" for name in ("fp16", "bf16", "best") if getattr(args, name)]
    names = ("layerPrecisions", "inputIOFormats", "outputIOFormats")
    given += [f"--{name}" for name in names if getattr(args, name)]
    if args.precisionConstraints != "none":
        given.append(f"--precisionConstraints={args.precisionConstraints}")
    if given:
        raise UsageError(
            f"--stronglyTyped takes the types from the model, {', '.join(given)} from the flags",
            hint="leave one of them out",
        )
    return True


def precision(args: Namespace) -> str:
    """The lowest precision that the flags allow."""
    if args.fp16 or args.best:
        return "fp16"
    return "bf16" if args.bf16 else "fp32"


def percentiles(args: Namespace) -> tuple[float, ...]:
    """The wanted percentiles.

    Raises:
        UsageError: One is not between 0 and 100.
    """
    try:
        wanted = tuple(float(p) for p in args.percentile.split(",") if p.strip())
    except ValueError:
        wanted = (-1.0,)
    if any(not 0 <= p <= 100 for p in wanted):
        raise UsageError(f"--percentile {args.percentile} is not a list of 0 to 100")
    return wanted
