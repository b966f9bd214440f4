"""What every room may use and that uses no other room.

* `errors`: every exception that trtlab raises, with what, where and hint.
* `types`: data types, tensor formats, named dimensions, tensor types.
* `enums`, `build_enums`: TensorRT's enumerations; the second has those used as bit positions.
* `sealed`: objects that refuse unknown attributes, and say why TensorRT's are missing.
* `dims`, `weights`: TensorRT's Dims, Permutation and Weights.
* `public_names`: what `trtlab` offers, and where it is defined. `module_level`: its functions.
* `logger`: TensorRT's logger classes over the standard library's logging.
* `version`: which trtlab this is, down to the commit of a checkout.
* `durations`: which spans of time can be waited for.
* `settings`: the only reader of environment variables.
"""
