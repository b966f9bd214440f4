"""A workbench in a live JupyterLab, without a worker process: its cell, and where things are."""

WORKBENCH = """from fake_session import FakeSession
from trtlab_widgets.workbench import Workbench

wb = Workbench("zoo:resnet50", session=FakeSession())
wb"""
RUN = ".trtl-actions button:has-text('Run')"
TABS_TOP = "document.querySelector('.trtl-tabs').getBoundingClientRect().top"
