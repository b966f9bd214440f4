"""Implementations as data, and the choice among them.

* `problem`: what is to be computed: an operator on concrete operands. A cache key.
* `tactic`: the contract of one implementation; declining always has a reason.
* `registry`: the tactics that a device offers; passed in, never filled on import.
* `contest`: times the candidates for one problem, interleaved, and ranks them.
* `timing_cache`: measured times on disk.
* `formats`: in which formats layers read and write, and the problems that follow.
* `occasions`: the shapes that an engine is tuned for, and the others that it must accept.
* `layout`: one memory format a layer for the whole network, reformat costs included.
* `select`: the room's door: a tactic and a format for every layer.

Uses `core`, `layers`, `network` and `report`.
"""
