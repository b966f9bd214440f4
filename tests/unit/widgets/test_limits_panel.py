"""The builder's limits start where Python and the command line start."""

from argparse import ArgumentParser
from inspect import signature

import pytest

pytest.importorskip("anywidget")

from trtlab_widgets.panels.limits_panel import LimitsPanel

from trtlab.cli.main import load_command
from trtlab.session.one_call import build, profile
from trtlab.session.requests import BuildRequest, Capabilities


def test_auxiliary_streams_have_one_default_everywhere() -> None:
    panel = LimitsPanel(Capabilities("cpu", "a processor", {"fp32": False}), lambda: None)
    parser = ArgumentParser()
    load_command("profile").prepare(parser)
    found = {
        "workbench": panel.max_aux_streams,
        "request": BuildRequest("").max_aux_streams,
        "build": signature(build).parameters["max_aux_streams"].default,
        "profile": signature(profile).parameters["max_aux_streams"].default,
        "command line": parser.get_default("max_aux_streams"),
    }
    assert found == dict.fromkeys(found, 0)
