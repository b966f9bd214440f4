"""Records as HTML: pages that need no script, in notebooks and in exported files.

* `text`: numbers as people read them. `markup`: escaped elements, shared small pictures.
* `overview`: what a run amounts to. `build`: what the builder did. `latency`: every query.
* `histogram`: times in bins, and where their axis ends.
"""
