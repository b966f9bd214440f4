"""What this machine offers, so that a form offers nothing else."""

from trtlab.core.errors import DeviceError
from trtlab.runtime.devices import open_runtime
from trtlab.session.requests import Capabilities


def capabilities() -> tuple[Capabilities, ...]:
    """Devices of this machine, the best one first."""
    found: list[Capabilities] = []
    for name in ("cuda", "cpu"):
        try:
            found.append(_capabilities(name))
        except DeviceError:  # no GPU, or what it needs is not installed: not on offer
            continue
    return tuple(found)


def _capabilities(name: str) -> Capabilities:
    device, registry = open_runtime(name)
    record = device.record()
    on_cpu = name == "cpu"
    unit = "threads" if on_cpu else "SMs"
    return Capabilities(
        device=name,
        label=f"{record.name} · {record.cores} {unit} · {record.isa}",
        precisions={
            "fp32": False,
            **({} if on_cpu else {"tf32": False}),
            "fp16": on_cpu,
            "bf16": on_cpu,
        },
        tactic_sources=tuple(sorted(registry.sources())),
        memory_pools=("WORKSPACE",),
        streams=not on_cpu or record.cores > 1,
    )
