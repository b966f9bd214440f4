"""The notebook workbench: pictures of reports, and the form that makes them.

* `palette`, `metrics`, `verdict`: colours, derived numbers, what to say of the clocks.
  `profiled`: what time stamps add to the inferences on the timeline.
* `payload`: the bytes that the live views draw from.
* `figures`: record → plotly figure. `pages`: record → HTML. `live`: canvas views.
* `export`: a report as one HTML file. `panels`, `desk`, `workbench`: the form and its results.
* `shown`: whose results they are. `runs`: the earlier ones.
* `opening`: whether a path leads to a model or to a report.
* `protocol`: what is needed of a session. `code`: the Python for what was clicked.

Imports `trtlab.report`, `trtlab.core` and `trtlab.session`, never an engine's insides.
"""
