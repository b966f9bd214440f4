import ast
import inspect
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import built_only, resnet_report
from trtlab_widgets.code import literal, python_code, recorded_code, recorded_requests

from trtlab.session import one_call
from trtlab.session.requests import BuildRequest, RunRequest

BUILD = BuildRequest(
    'models/net "x".onnx',
    precision="fp16",
    layer_precisions={"conv1": "fp32", "fc": "bf16"},
    profiles={"input": ((1, 3), (2, 3), (8, 3)), "mask": ((1,), (1,), (1,))},
    max_aux_streams=2,
    memory_pools_bytes={"WORKSPACE": 1 << 28},
    tactic_sources=("GENERATED",),
    optimization_level=5,
)
RUN = RunRequest(shapes={"input": (4, 3)}, duration_s=5.0, profile_layers=False)


class Recorder(ModuleType):
    """Stands for trtlab and remembers the calls."""

    def __init__(self) -> None:
        super().__init__("trtlab")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.build = self._method("build", "engine")
        self.profile = self._method("profile", self)

    def _method(self, name: str, result: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self.calls.append((name, args, options))
            return result

        return call

    def to_pandas(self) -> None:
        self.calls.append(("to_pandas", (), {}))

    def save(self, path: str) -> None:
        self.calls.append(("save", (path,), {}))


def run(code: str, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setitem(sys.modules, "trtlab", recorder)
    exec(compile(code, "generated", "exec"), {})  # noqa: S102 - that is what the test is about
    return recorder


def test_running_the_code_makes_the_same_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = run(python_code(BUILD, RUN), monkeypatch).calls
    (build, sources, options), (profile, engines, measured), (table, _, _), saved = calls
    assert (build, profile, table) == ("build", "profile", "to_pandas")
    assert saved == ("save", ("net-x-fp16-cpu.json",), {})
    assert engines == ("engine",)
    assert BuildRequest(*sources, **options) == BUILD
    assert RunRequest(**measured) == RUN


def test_defaults_are_left_out() -> None:
    code = python_code(BuildRequest("zoo:resnet50"), RunRequest())
    assert code == (
        "import trtlab\n\n"
        'engine = trtlab.build("zoo:resnet50")\n'
        "report = trtlab.profile(engine)\n"
        "layers = report.to_pandas()\n"
        'report.save("resnet50-fp32-cpu.json")\n'
    )


def test_the_one_call_api_has_every_option() -> None:
    tree = ast.parse(python_code(BUILD, RunRequest({"x": (1,)}, 1.0, 1.0, 1, False, False)))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.keywords:
            known = inspect.signature(getattr(one_call, call.func.attr)).parameters
            assert {keyword.arg for keyword in call.keywords} <= set(known)


def test_long_calls_are_broken_into_lines() -> None:
    code = python_code(BUILD, RUN)
    assert max(map(len, code.splitlines())) <= 88
    assert '        "conv1": "fp32",\n' in code


def test_a_report_tells_the_calls_that_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    report = resnet_report(iterations=3)
    (name,) = (tensor.name for tensor in report.model.inputs)
    shapes = ((1, 3, 8, 8), (4, 3, 8, 8), (8, 3, 8, 8))
    config = replace(
        report.config, precision="fp16", profiles=({name: shapes},), optimization_level=5,
        max_aux_streams=2, memory_pools_bytes={"WORKSPACE": 1 << 28}, flags=("TF32",),
    )  # fmt: skip
    assert report.benchmark is not None
    benchmark = replace(report.benchmark, wall_seconds=31.004, shapes={name: (2, 3, 8, 8)})
    made = replace(report, config=config, benchmark=benchmark, telemetry=None)
    code = recorded_code(made)
    (_, sources, options), (_, _, measured), *_ = run(code, monkeypatch).calls
    asked = BuildRequest(*sources, **options), RunRequest(**measured)
    assert asked == recorded_requests(made)
    build, ran = asked
    assert (build.source, build.precision) == (report.model.source, "fp16")
    assert build.profiles == {name: shapes}
    assert (build.optimization_level, build.max_aux_streams) == (5, 2)
    assert ran == RunRequest({name: (2, 3, 8, 8)}, duration_s=31.0, telemetry=False)
    assert "# It was built with the flags TF32." in code


def test_what_a_report_shares_with_the_defaults_is_left_out() -> None:
    report = resnet_report(iterations=3)
    assert report.benchmark is not None
    shapes = {t.name: t.shape for t in report.model.inputs}
    benchmark = replace(report.benchmark, wall_seconds=3.002, shapes=shapes)
    profile = {name: (shape, shape, shape) for name, shape in shapes.items()}
    config = replace(report.config, profiles=(profile,))
    made = replace(report, config=config, benchmark=benchmark)
    build, ran = recorded_requests(made)
    assert build.profiles == {}
    assert ran == RunRequest()


def test_a_report_that_was_not_measured_says_so() -> None:
    code = recorded_code(built_only(resnet_report(iterations=3)))
    assert "# It was built, but not measured." in code
    assert "profile(" not in code
    ast.parse(code)


values = st.recursive(
    st.text()
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.tuples(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    ),
)


@given(values)
def test_literals_evaluate_to_the_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value
