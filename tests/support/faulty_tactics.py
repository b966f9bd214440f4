"""Candidates for ReLU that fault, hang, lie or trespass on a GPU, importable in any process."""

from typing import ClassVar

from trtlab.core.types import DataType
from trtlab.devices.cuda.kernel import Kernel, KernelLaunch
from trtlab.tactics.problem import Problem
from trtlab.tactics.tactic import Buffers, Rejection, Tactic

KINDS = {
    "fault": "y[t + (1ll << 44)] = 1.0f;",
    "hang": "while (*(volatile float*)y == *(volatile float*)y || true) {}",
    "wrong": "y[t] = x[t] > 0.0f ? x[t] : 0.25f;",
    "short": "if (t + 1 < COUNT) y[t] = x[t] > 0.0f ? x[t] : 0.0f;",
    "trespass": "y[t] = x[t] > 0.0f ? x[t] : 0.0f; if (t == 0) y[COUNT] = 0.0f;",
    "spoil": "y[t] = x[t] > 0.0f ? x[t] : 0.0f; if (t == 0) ((float*)x)[0] = 7.0f;",
    "sound": "y[t] = x[t] > 0.0f ? x[t] : 0.0f;",
}
_TEXT = """
extern "C" __global__ void faulty(const float* x, float* y) {
  const long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= COUNT) return;
  BODY
}
"""


class FaultyRelu(Tactic):
    """ReLU of float32, dense, as one of `KINDS` computes it; claims to be the fastest."""

    source: ClassVar[str] = "TEST"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = f"cuda.test.relu/{kind}"

    def check(self, problem: Problem) -> Rejection | None:
        dense = all(o is not None and o.is_dense for o in problem.inputs)
        if problem.outputs[0].dtype is not DataType.FLOAT or not dense:
            return Rejection("takes dense float32")
        return None

    def cost_hint_us(self, problem: Problem) -> float:
        return 2.0 + 2 * problem.outputs[0].nbytes / 2.5e6  # as the device's own tactic

    def bind(self, problem: Problem, buffers: Buffers) -> tuple[KernelLaunch, ...]:
        count = problem.outputs[0].nbytes // 4
        text = _TEXT.replace("BODY", KINDS[self.kind]).replace("COUNT", str(count))
        kernel = Kernel("faulty", text, ((count + 255) // 256, 1, 1), (256, 1, 1))
        return (KernelLaunch(kernel, (buffers.inputs[0], buffers.outputs[0])),)


class HungryRelu(FaultyRelu):
    """Sound, but wants more scratch than any GPU has."""

    def workspace_bytes(self, problem: Problem) -> int:
        return 1 << 45
