"""What this machine offers, so that a form offers nothing else."""

from trtlab.devices.open import open_device
from trtlab.session.requests import Capabilities


def capabilities() -> tuple[Capabilities, ...]:
    """Devices of this machine, the best one first."""
    record = open_device("cpu").record()
    return (
        Capabilities(
            device="cpu",
            label=f"{record.name} · {record.cores} threads · {record.isa}",
            precisions={"fp32": False, "fp16": True, "bf16": True},
            tactic_sources=("GENERATED", "NUMPY"),
            memory_pools=("WORKSPACE",),
            streams=record.cores > 1,
        ),
    )
