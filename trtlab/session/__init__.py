"""The one-call API and the long-running work behind it.

* `one_call`: from a model to an engine, or to a report, in this process.
* `work`: what it does: build, measure, describe.
* `sources`: where a model comes from, and shapes for inputs that nobody gave shapes for;
  `given_shapes`: those that somebody gave, checked.
* `requests`: what a caller asks for, and what it hears while the work is under way.
* `session`: the same work in a process of its own; `worker` is that process, `job` a piece of
  work, `wire` what the two say to each other, `time_left` how long a phase still takes.
* `live`: sensor samples for widgets. `capabilities`: what this machine offers.
* `lab_notebook`: the notebook that `trtlab lab` opens.

Uses `builder`, `core`, `devices`, `engine`, `layers`, `network`, `parser`, `passes`,
`planner`, `profiling`, `report` and `runtime`.
"""
