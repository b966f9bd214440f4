"""The form's parts: each asks for one thing, checks it at once, and says what is wrong there.

* `form`: labelled fields and messages. `model_panel`: which model.
* `precision_panel`: of all layers and of single ones. `shapes_panel`: ranges of shapes.
* `limits_panel`: streams, pools, sources, level. `run_panel`: how to measure.
* `actions_panel`: the buttons. `progress_panel`: what is going on. `results`: the tabs.

A panel calls ``changed`` after every edit; it never talks to another panel.
"""
