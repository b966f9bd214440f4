"""The command line: parse, call, print, exit code.

* `main`: the list of commands, and what happens to errors. `command`: what a command is.
* One module a command. `printing`: tables and progress in a terminal. `options`: shared ones.
  `layer_patterns`: layers by pattern.

Uses `builder`, `core`, `engine`, `layers`, `network`, `parser`, `profiling`, `report`,
`runtime`, `session` and `tactics`.
"""
