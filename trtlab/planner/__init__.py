"""Order, streams and memory of an engine at concrete shapes.

* `plan`: the room's door: a network with its choices → steps with addresses.
* `storage`: which tensors share memory: views, and concatenations written in place.
* `bound`: the arena for all shapes of a profile; `peaks`: how large a tensor gets in it.
* `arena`: offsets so that no two live tensors overlap.
* `streams`: independent branches on auxiliary streams.

Uses `core`, `layers`, `network`, `report` and `tactics`.
"""
