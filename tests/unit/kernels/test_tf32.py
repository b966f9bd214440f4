"""TF32: who offers it, who may use it, and how a build asks for it."""

from argparse import ArgumentParser

import numpy as np
import pytest
from cuda_cases import ALL_CASES
from cuda_texts import generated
from tiny_models import branches

import trtlab as trt
from trtlab.cli import exec as exec_command
from trtlab.cli import exec_options
from trtlab.core.errors import UsageError
from trtlab.core.types import DataType
from trtlab.kernels.cuda.catalog import cuda_registry
from trtlab.kernels.cuda.cudnn_conv import CudnnTf32Tactic
from trtlab.kernels.cuda.tf32 import rounded
from trtlab.layers.convolution import Convolution
from trtlab.layers.linear import MatrixMultiply
from trtlab.parser.parse import parse
from trtlab.session.requests import BuildRequest
from trtlab.session.work import build_options
from trtlab.tactics.contest import ContestRules, hold_contest
from trtlab.tactics.problem import Operand, Problem
from trtlab.tactics.timing_cache import TimingCache

REGISTRY = cuda_registry()
TF32 = [t for t in map(REGISTRY.find, REGISTRY.names()) if t.tf32]


def product(dtype, side=512):
    square = Operand(dtype, (side, side))
    return Problem(MatrixMultiply(), (square, square), (square,))


def contest(*, allowed):
    rules = ContestRules(timed=False, tf32=allowed)
    return hold_contest(product(DataType.FLOAT), REGISTRY, None, TimingCache(""), rules)


# ---- who -------------------------------------------------------------------------------


def test_libraries_and_own_kernels_offer_it():
    families = {t.name.rsplit("/", 2 if "contract" in t.name else 1)[0] for t in TF32}
    assert families == {"cuda.cublaslt.tf32", "cuda.cudnn.tf32", "cuda.contract.tf32"}
    for op in (Convolution, MatrixMultiply):
        case = next(c for c in ALL_CASES if isinstance(c.op, op))
        assert any(t.tf32 for t in REGISTRY.candidates(case.op))


@pytest.mark.parametrize("dtype", [DataType.HALF, DataType.BF16, DataType.INT32])
def test_other_types_are_declined(dtype):
    own = [t for t in TF32 if "contract" in t.name]
    assert own
    assert all(t.check(product(dtype)) is not None for t in own)
    assert all(t.check(product(DataType.FLOAT)) is None for t in own)


def test_factors_are_rounded_not_cut():
    texts = {
        t for g in generated(DataType.FLOAT) if "contract.tf32" in g.tactic for t in g.texts
    }
    products = [t for t in texts if "mma.sync" in t]
    assert len(products) > 20
    for text in products:
        assert "m16n8k8.row.col.f32.tf32.tf32.f32" in text
        assert text.count("= rounded(") == 2  # both factors


def test_weights_are_rounded_for_libraries():
    rng = np.random.default_rng(0)
    values = (rng.standard_normal((64, 64)) * 10.0 ** rng.integers(-30, 30, (64, 64))).astype(
        np.float32
    )
    near = rounded(values)
    assert not (near.view(np.uint32) & 0x1FFF).any()
    error = np.abs(near.astype(np.float64) - values)
    assert (error <= 2.0**-11 * np.abs(values)).all()
    assert abs(np.mean((near.astype(np.float64) - values) / values)) < 2e-5  # cut: 3.5e-4
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3.4e38, -3.4e38], np.float32)
    kept = rounded(edges)
    np.testing.assert_array_equal(kept[:5], edges[:5])
    assert np.isfinite(kept[5:]).all()
    for tactic in (t for t in TF32 if "contract" not in t.name):
        if isinstance(tactic, CudnnTf32Tactic):
            continue
        packed = tactic.pack(product(DataType.FLOAT), {1: values, 2: values})
        np.testing.assert_array_equal(packed[1], near)
        assert packed[2] is values  # what is added is not multiplied


# ---- who may ---------------------------------------------------------------------------


def test_a_contest_without_it_says_so():
    told = {c.tactic: c.rejection for c in contest(allowed=False).contenders}
    offered = {t.name for t in REGISTRY.candidates(MatrixMultiply()) if t.tf32}
    assert {name for name, r in told.items() if r == "TF32 is switched off"} == offered


def test_a_contest_with_it_prefers_it():
    chosen = contest(allowed=True).chosen
    assert chosen is not None
    assert chosen.tf32
    without = contest(allowed=False).chosen
    assert without is not None
    assert not without.tf32


# ---- how a build asks ------------------------------------------------------------------


def test_the_builder_flag_is_on_until_it_is_cleared():
    config = trt.Builder(trt.Logger(trt.Logger.ERROR)).create_builder_config()
    graph = parse(branches()).network
    assert config.options(graph).contest_rules.tf32
    config.clear_flag(trt.BuilderFlag.TF32)
    assert not config.options(graph).contest_rules.tf32


@pytest.mark.parametrize(
    ("precision", "allowed"), [("fp32", False), ("tf32", True), ("fp16", False)]
)
def test_a_session_asks_by_name(precision, allowed):
    request = BuildRequest("branches.onnx", device="cuda", precision=precision)
    options = build_options(request, parse(branches()))
    assert options.contest_rules.tf32 is allowed
    assert (options.precision is DataType.FLOAT) is (precision != "fp16")


def test_the_cpu_has_none():
    request = BuildRequest("branches.onnx", precision="tf32")
    with pytest.raises(UsageError, match="does not multiply in tf32"):
        build_options(request, parse(branches()))


def test_no_single_layer_has_it():
    request = BuildRequest("m.onnx", device="cuda", layer_precisions={"stem": "tf32"})
    with pytest.raises(UsageError, match="cannot have the precision 'tf32'"):
        build_options(request, parse(branches()))


@pytest.mark.parametrize(("words", "allowed"), [((), True), (("--noTF32",), False)])
def test_the_command_line_has_it_on_as_trtexec_has(words, allowed, monkeypatch):
    parser = ArgumentParser()
    exec_options.declare(parser)
    seen = []

    def build(_request, _progress, _parsed, extras):
        seen.append(extras.tf32)

    monkeypatch.setattr(exec_command, "build_engine", build)
    monkeypatch.setattr(exec_command, "open_source", lambda *_args, **_kw: parse(branches()))
    exec_command._built(parser.parse_args(["--onnx", "m.onnx", *words]))
    assert seen == [allowed]
