"""The notebook workbench: pictures of reports, and the form that makes them.

* `palette`, `metrics`, `payload`: colours, derived numbers, the bytes that views draw from.
* `figures`: record → plotly figure. `pages`: record → HTML. `live`: canvas views.
* `export`: a report as one HTML file. `panels`, `workbench`: the form and its results.
* `protocol`: what is needed of a session. `code`: the Python for what was clicked.

Imports `trtlab.report`, `trtlab.core` and `trtlab.session`, never an engine's insides.
"""
