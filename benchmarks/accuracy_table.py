"""trtlab's outputs against ONNX Runtime's, model by model: the correctness table.

    python benchmarks/accuracy_table.py                          all 17 models in FP32
    python benchmarks/accuracy_table.py resnet50 --precision fp16 bf16
    python benchmarks/accuracy_table.py --device cuda --precision fp32 fp16 bf16

The error of a model is ‖out − reference‖ / ‖reference‖ of its worst output, on seeded random
inputs. ONNX Runtime computes in FP32 on the CPU, whatever trtlab is asked for.

FP32 and FP16 have a limit that every model keeps. BF16 has none here: a number rounded to it
is off by 1.7e-3 (root mean square), so that 36 roundings in a row already cost 1e-2.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from trtlab import zoo
from trtlab.core.settings import settings
from trtlab.session.one_call import build

Arrays = Mapping[str, npt.NDArray[np.generic]]
LIGHT = tuple(f"light:{name}" for name in zoo.light_names())
MODELS = (*LIGHT, *zoo.names())
# In FP32, sums in another order differ by a few units in the last place.
LIMITS = {"fp32": 5e-5, "fp16": 1e-2}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One row of the table.

    Attributes:
        model: Zoo name, or ``light:NAME``.
        precision: What trtlab was asked for.
        error: Relative error of the worst output.
        outputs: How many there are.
        layers: Of the engine.
        seconds: Build and one inference.
    """

    model: str
    precision: str
    error: float
    outputs: int
    layers: int
    seconds: float


def load(name: str) -> onnx.ModelProto:
    """A zoo or light model with seeded weights."""
    if name.startswith("light:"):
        return zoo.light(name.removeprefix("light:"))
    return zoo.build(name)


def reference(model: onnx.ModelProto, inputs: Arrays) -> dict[str, npt.NDArray[np.generic]]:
    """ONNX Runtime's outputs by name."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings().cpu_threads
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def relative_error(got: Arrays, wanted: Arrays) -> float:
    """‖got − wanted‖ / ‖wanted‖ of the worst output; NaN where either is not finite.

    Raises:
        KeyError: An output is missing.
    """
    errors: list[float] = []
    for name, expected in wanted.items():
        truth, value = expected.astype(np.float64), got[name].astype(np.float64)
        if truth.shape != value.shape:
            return float("nan")
        errors.append(float(np.linalg.norm(value - truth) / np.linalg.norm(truth)))
    return max(errors) if np.isfinite(errors).all() else float("nan")


def measure(
    name: str, precisions: tuple[str, ...] = ("fp32",), device: str = "cpu", level: int = 3
) -> list[Accuracy]:
    """Build one model in each precision and compare it with ONNX Runtime."""
    model = load(name)
    inputs = zoo.random_inputs(model if name.startswith("light:") else name, seed=1)
    wanted = reference(model, inputs)
    shapes = {} if name.startswith("light:") else {k: v.shape for k, v in inputs.items()}
    del model
    rows: list[Accuracy] = []
    for precision in precisions:
        began = time.perf_counter()
        engine = build(
            name,
            device=device,
            precision=precision,
            shapes=shapes,
            optimization_level=level,
        )
        got = engine.create_execution_context().infer(inputs)
        took = time.perf_counter() - began
        rows.append(
            Accuracy(
                model=name,
                precision=precision,
                error=relative_error(got, wanted),
                outputs=len(wanted),
                layers=engine.num_layers,
                seconds=took,
            )
        )
    return rows


def main() -> int:
    """Print the table; the exit code says whether FP32 and FP16 kept their limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--precision", nargs="+", default=["fp32"])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--optimization-level", type=int, default=3)
    args = parser.parse_args()
    print(
        f"{args.device} against ONNX Runtime {ort.__version__}, batch 1, "
        f"{settings().cpu_threads} CPU threads\n"
    )
    print(f"{'model':28}{'precision':>10}{'layers':>8}{'error':>11}{'seconds':>9}")
    worst: dict[str, float] = {}
    for name in args.models:
        for row in measure(name, tuple(args.precision), args.device, args.optimization_level):
            print(f"{row.model:28}{row.precision:>10}{row.layers:8}{row.error:11.1e}"
                  f"{row.seconds:9.1f}", flush=True)  # fmt: skip
            error = float("inf") if np.isnan(row.error) else row.error
            worst[row.precision] = max(error, worst.get(row.precision, 0.0))
    for precision, error in worst.items():
        limit = f"(limit {LIMITS[precision]:.0e})" if precision in LIMITS else "(no limit)"
        print(f"\nworst error in {precision}: {error:.1e} {limit}")
    kept = all(
        error < LIMITS.get(precision, float("inf")) for precision, error in worst.items()
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
