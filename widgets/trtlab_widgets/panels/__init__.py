"""The form's parts: each asks for one thing, checks it at once, and says what is wrong there.

* `form`: labelled fields and messages. `model_panel`: which model or saved report.
* `options_panel`: all that follows, counted and reset. `precision_panel`: of all layers and of
  single ones. `shapes_panel`: ranges of shapes. `limits_panel`: streams, pools, sources, level.
  `run_panel`: how to measure.
* `actions_panel`: the buttons. `progress_panel`: what is going on. `error_panel`: what went wrong.
* `shown_panel`: whose results the tabs show. `save_panel`: ways to keep them. `results`: the tabs.
  `compare_panel`: which run to compare with, and what has changed since.

A panel calls ``changed`` after every edit; it never talks to another panel.
"""
