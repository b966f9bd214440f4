"""What an engine's launches need of compiled code, so that running it compiles nothing."""

from collections.abc import Mapping, Sequence

from trtlab.core.errors import KernelCompileError, NoTacticError, UnsupportedError
from trtlab.core.types import StaticShape
from trtlab.devices.cuda.code import CompiledCode
from trtlab.devices.cuda.device import CudaDevice
from trtlab.devices.protocol import Device
from trtlab.engine.engine import ShapeProfile
from trtlab.network.graph import Network
from trtlab.planner.plan import LayerChoice, Location, Step, plan
from trtlab.tactics.registry import TacticRegistry
from trtlab.tactics.tactic import Buffers, Launch, Tactic

_ADDRESS = 1 << 20  # aligned as real ones are; nothing is read there


def carried_code(
    network: Network,
    choices: Mapping[str, LayerChoice],
    profiles: tuple[ShapeProfile, ...],
    registry: TacticRegistry,
    device: Device,
    *,
    streams: int = 1,
) -> tuple[CompiledCode, ...]:
    """Kernels and library plans of all launches at the profiles' opt, min and max shapes.

    On the CPU there are none.

    What cannot be made for min or max shapes is left out; it would fail again when it runs, and
    says then why. Where a library has no such plan for them, another place in its ranking is
    kept, as it will be used.
    """
    if not isinstance(device, CudaDevice):
        return ()
    found: dict[tuple[str, str], CompiledCode] = {}
    for shapes in _shapes(profiles):
        try:
            layout = plan(network, choices, shapes, registry, streams=streams)
        except NoTacticError:
            continue  # planning the memory will say so
        waiting = [(step, _launches(step, step.tactic)) for step in layout.steps]
        device.compile_ahead([launch for _, launches in waiting for launch in launches])
        device.finish_compiling()
        while waiting:  # each gives its scratch back before the next
            for code in _code_of(*waiting.pop(), registry, device):
                found[code.kind, code.key] = code
    return tuple(found[key] for key in sorted(found))


def _shapes(profiles: tuple[ShapeProfile, ...]) -> list[dict[str, StaticShape]]:
    """Distinct ones, the most likely first."""
    result: list[dict[str, StaticShape]] = []
    for which in (1, 0, 2):
        for profile in profiles:
            shapes = {name: extents[which] for name, extents in profile.inputs.items()}
            if shapes not in result:
                result.append(shapes)
    return result


def _code_of(
    step: Step, launches: Sequence[Launch], registry: TacticRegistry, device: CudaDevice
) -> list[CompiledCode]:
    """What a step's launches need, or those that take their place."""
    try:
        return device.code_of(launches)
    except KernelCompileError:
        return []
    except UnsupportedError:
        for other in registry.stand_ins(step.tactic, step.problem.op):
            try:
                return device.code_of(_launches(step, other))
            except UnsupportedError:
                continue
    return []


def _launches(step: Step, tactic: Tactic) -> list[Launch]:
    """A step's launches on addresses that are aligned like those of a run."""

    def at(location: Location) -> int:
        return _ADDRESS + location.offset_bytes

    buffers = Buffers(
        tuple(None if location is None else at(location) for location in step.inputs),
        tuple(at(location) for location in step.outputs),
        _ADDRESS + step.workspace_offset_bytes,
        step.workspace_bytes,
    )
    return list(tactic.bind(step.problem, buffers))
