"""Floor 1: what every room may use and that uses no other room.

* `errors`: every exception that trtlab raises, with what, where and hint.
* `types`: data types, tensor formats, named dimensions, tensor types.
* `enums`: TensorRT's remaining enumerations.
* `logger`: TensorRT's logger classes over the standard library's logging.
* `settings`: the only reader of environment variables.
"""
