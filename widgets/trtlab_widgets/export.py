"""A report as one HTML file that opens anywhere: no network, no kernel, no other file.

The file holds the explorer's JavaScript and the packed report, compressed. It needs neither
ipywidgets nor plotly to be made, so that a command on a server can write it.
"""

import base64
import zlib
from html import escape

from trtlab.report.conditions import created_text
from trtlab.report.records import Report
from trtlab_widgets.live.bundle import script, style
from trtlab_widgets.pages.build import build_page
from trtlab_widgets.pages.markup import element, text
from trtlab_widgets.pages.overview import overview_page
from trtlab_widgets.payload import pack

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="trtlab {version}">
<title>{title}</title>
<style>
{css}
</style>
</head>
<body>
<main class="trtl trtl-page">
{overview}
<div id="trtlab-explorer">
<noscript>The linked views need JavaScript; the rest of this page does not.</noscript>
</div>
{build}
{foot}
</main>
<script type="text/plain" id="trtlab-payload">{payload}</script>
<script type="module">
{script}
</script>
</body>
</html>
"""


def report_html(report: Report) -> str:
    """The whole report as the text of an HTML file.

    Overview and build are plain HTML and read without JavaScript; layers, timeline, sensors
    and memory are the notebook's own explorer. Light or dark follows the reader's system.
    """
    payload = base64.b64encode(zlib.compress(pack(report), level=9)).decode("ascii")
    build = element(
        "details", text("summary", "How it was built"), build_page(report), class_="t-build"
    )
    return _PAGE.format(
        version=escape(report.trtlab_version),
        title=escape(f"{report.model.name} on {report.device.name}: trtlab report"),
        css=style("pages.css", "explorer.css", "standalone.css"),
        overview=overview_page(report),
        build=build,
        foot=_foot(report),
        payload=payload,
        # A closing tag inside a script's text would end the script.
        script=script("standalone").replace("</script", "<\\/script"),
    )


def _foot(report: Report) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in report.device.library_versions.items())
    tool = f"trtlab {report.trtlab_version}; {versions}"
    made = f"Recorded {created_text(report)} with {tool}. Model "
    return element(
        "footer",
        escape(made),
        text("code", report.model.source),
        " ",
        text("code", report.model.digest[:16]),
    )
