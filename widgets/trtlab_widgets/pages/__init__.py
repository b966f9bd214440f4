"""Records as HTML: pages that need no script, in notebooks and in exported files.

* `text`: numbers as people read them. `markup`: escaped elements, shared small pictures.
* `overview`: what a run amounts to, with its `title`, `cards` and `time_parts`.
* `build`: what the builder did; `asked`: what it was asked beyond the defaults.
* `compared`: what has changed since another run.
* `latency`: every query.
* `histogram`: times in bins, and where their axis ends.
"""
