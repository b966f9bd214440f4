import numpy as np
import pytest

from tests.support.tiny_models import branches
from trtlab.core.errors import UsageError
from trtlab.network.evaluate import evaluate
from trtlab.parser.parse import parse
from trtlab.planner.plan import plan
from trtlab.runtime.devices import open_runtime
from trtlab.session.one_call import build


def engine_of(**options):
    """Untimed, so that the same formats and tactics are chosen on every machine."""
    return build(branches(), shapes={"x": (2, 3, 16, 16)}, optimization_level=1, **options)


@pytest.mark.parametrize("streams", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_plan_computes_what_the_model_means(streams, batch):
    model = branches()
    engine = build(
        model,
        profiles={"x": ((1, 3, 16, 16), (2, 3, 16, 16), (8, 3, 16, 16))},
        max_aux_streams=streams,
    )
    x = np.random.default_rng(batch).standard_normal((batch, 3, 16, 16)).astype(np.float32)
    wanted = evaluate(parse(model).network, {"x": x.astype(np.float64)})["y"]
    got = engine.create_execution_context().infer({"x": x})["y"]
    assert np.linalg.norm(got - wanted) / np.linalg.norm(wanted) < 5e-6


def test_independent_branches_get_streams_of_their_own():
    engine = engine_of(max_aux_streams=2).engine
    _, registry = open_runtime("cpu")
    layout = plan(
        engine.network, engine.choices, engine.profiles[0].opt(), registry, streams=3
    )
    assert layout.streams > 1
    regions = {s.placement.region for s in layout.steps if s.placement.stream > 0}
    assert -1 not in regions


def test_no_two_live_tensors_overlap_whatever_the_streams():
    for streams in (1, 3):
        engine = engine_of(max_aux_streams=streams - 1).engine
        _, registry = open_runtime("cpu")
        layout = plan(
            engine.network, engine.choices, engine.profiles[0].opt(), registry, streams=streams
        )
        rows = layout.allocations
        assert layout.arena_bytes <= layout.unshared_bytes + layout.workspace_bytes * len(rows)
        for i, a in enumerate(rows):
            for b in rows[:i]:
                if a.first_step <= b.last_step and b.first_step <= a.last_step:
                    apart = (
                        a.offset_bytes + a.size_bytes <= b.offset_bytes
                        or b.offset_bytes + b.size_bytes <= a.offset_bytes
                    )
                    assert apart, (a, b)


def test_the_concatenation_is_written_in_place():
    engine = engine_of().engine
    _, registry = open_runtime("cpu")
    layout = plan(engine.network, engine.choices, engine.profiles[0].opt(), registry)
    assert any(layer.op.kind == "CONCATENATION" for layer in layout.views)


def test_a_shape_outside_the_profile_is_refused():
    context = engine_of().create_execution_context()
    with pytest.raises(UsageError, match=r"shape 9x3x16x16, outside the optimization profile"):
        context.set_input_shape("x", (9, 3, 16, 16))
