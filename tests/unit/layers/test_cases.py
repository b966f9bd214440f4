"""Every operator against an independent implementation, and its rules against its meaning."""

from collections import Counter
from dataclasses import fields, replace

import ml_dtypes
import numpy as np
import pytest
from cases_moving import MOVING
from cases_pointwise import POINTWISE
from cases_reducing import REDUCING
from cases_spatial import SPATIAL

from trtlab.core.types import DataType, TensorType, is_static
from trtlab.layers.base import shape_value
from trtlab.layers.catalog import OPS, from_attributes
from trtlab.layers.creation import Constant
from trtlab.layers.gather import NonZero
from trtlab.layers.resolve import resolve

CASES = [*SPATIAL, *POINTWISE, *MOVING, *REDUCING]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def infer(case, inputs=None):
    """Types of the inputs and outputs of a case, and its shape values."""
    arrays = case.inputs if inputs is None else inputs
    types = [
        None if x is None else TensorType(DataType.from_numpy(x.dtype), x.shape)
        for x in arrays
    ]
    values = [
        shape_value([int(n) for n in x.reshape(-1)], x.shape)
        if i in case.shape_inputs or (x is not None and x.dtype == np.int64 and x.size < 8)
        else None
        for i, x in enumerate(arrays)
    ]
    return types, values, case.op.infer(types, values)


def test_every_operator_has_a_case():
    # A constant's array is held by the network: it has no meaning of its own to compare.
    covered = {case.op.kind for case in CASES} | {Constant.kind}
    assert covered == set(OPS)


def test_case_names_are_unique():
    repeated = [name for name, count in Counter(map(str, CASES)).items() if count > 1]
    assert repeated == []


@each_case
def test_meaning_agrees_with_reference(case):
    outputs, expected = case.op.evaluate(case.inputs), case.reference()
    assert len(outputs) == len(expected)
    for output, want in zip(outputs, expected, strict=True):
        assert output.shape == want.shape
        np.testing.assert_allclose(
            output.astype(np.float64),
            want.astype(np.float64),
            rtol=case.tolerance,
            atol=case.tolerance,
        )


@each_case
def test_type_rule_agrees_with_meaning(case):
    _, _, inferred = infer(case)
    outputs = case.op.evaluate(case.inputs)
    assert len(inferred) == len(outputs)
    for kind, output in zip(inferred, outputs, strict=True):
        if not isinstance(case.op, NonZero):
            assert kind.shape == output.shape
        assert kind.dtype.numpy == output.dtype


@each_case
def test_double_precision_stays(case):
    wide = tuple(
        x.astype(np.float64) if x is not None and x.dtype == np.float32 else x
        for x in case.inputs
    )
    if all(x is None or x.dtype != np.float64 for x in wide):
        pytest.skip("no floating-point input")
    narrow_outputs = case.op.evaluate(case.inputs)
    for wide_output, narrow in zip(case.op.evaluate(wide), narrow_outputs, strict=True):
        wanted = np.float64 if narrow.dtype == np.float32 else narrow.dtype
        if case.op.kind != "FILL":  # the option decides
            assert wide_output.dtype == wanted


@each_case
def test_evaluation_leaves_inputs_alone_and_owns_its_result(case):
    kept = [None if x is None else x.copy() for x in case.inputs]
    outputs = case.op.evaluate(case.inputs)
    for output in outputs:
        assert not any(x is not None and np.shares_memory(output, x) for x in case.inputs)
    for x, before in zip(case.inputs, kept, strict=True):
        if x is not None:
            np.testing.assert_array_equal(x, before)


@each_case
def test_cost_is_a_count(case):
    types, _, outputs = infer(case)
    if not all(is_static(t.shape) for t in outputs):
        pytest.skip("the size depends on data")
    flops, moved = case.op.flops(types, outputs), case.op.traffic_bytes(types, outputs)
    assert isinstance(flops, int)
    assert isinstance(moved, int)
    assert flops >= 0
    assert moved >= 0


@each_case
def test_known_values_agree_with_meaning(case):
    types, values, outputs = infer(case)
    found = case.op.infer_values(types, values, outputs)
    assert len(found) == len(outputs)
    for value, output in zip(found, case.op.evaluate(case.inputs), strict=True):
        if value is not None:
            assert value.dtype == object
            np.testing.assert_array_equal(value.astype(np.int64), output.astype(np.int64))


@each_case
def test_attributes_round_trip(case):
    assert from_attributes(case.op.kind, case.op.attributes()) == case.op


@pytest.mark.parametrize("kind", OPS)
def test_every_field_survives_the_round_trip_alone(kind):
    default = OPS[kind]()
    assert OPS[kind].kind == kind
    for case in (c for c in CASES if c.op.kind == kind):
        for field in fields(default):
            changed = replace(default, **{field.name: getattr(case.op, field.name)})
            assert from_attributes(kind, changed.attributes()) == changed


@each_case
@pytest.mark.parametrize(
    ("narrow", "tolerance"), [(np.float16, 4e-3), (ml_dtypes.bfloat16, 3e-2)]
)
def test_narrow_floats_stay_and_are_close(case, narrow, tolerance):
    if not any(x is not None and x.dtype == np.float32 for x in case.inputs):
        pytest.skip("no floating-point input")
    if case.op.kind in {"TOPK", "NON_ZERO", "FILL"}:
        pytest.skip("rounding changes the order, or the option decides the type")

    def converted(arrays, source, target):
        return tuple(
            x.astype(target) if x is not None and x.dtype == source else x for x in arrays
        )

    inputs = converted(case.inputs, np.float32, narrow)
    wide_outputs = case.op.evaluate(converted(inputs, narrow, np.float32))
    for output, wide in zip(case.op.evaluate(inputs), wide_outputs, strict=True):
        assert output.dtype == (narrow if wide.dtype == np.float32 else wide.dtype)
        np.testing.assert_allclose(
            output.astype(np.float64), wide.astype(np.float64), rtol=tolerance, atol=tolerance
        )


@each_case
def test_known_shape_tensors_can_become_options(case):
    _, values, _ = infer(case)
    op, resolved = resolve(case.op, values)
    inputs = [None if i in resolved else x for i, x in enumerate(case.inputs)]
    assert set(case.shape_inputs) <= resolved
    for output, want in zip(op.evaluate(inputs), case.op.evaluate(case.inputs), strict=True):
        np.testing.assert_array_equal(output, want)
