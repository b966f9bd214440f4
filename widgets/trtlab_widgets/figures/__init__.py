"""Records as plotly figures: pure functions, one clear message in each title.

* `look`: what all share. `latency`: distribution, over time, its parts; `parts`: their colours.
* `layers`: by type, slowest, roofline. `build`: phases and one layer's contest.
* `compared`: two reports, part by part. `run`: sensors and the memory plan. `ink`: text in the
  page's colour. `lines`: titles in lines, and what a figure's numbers depend on below its title.

Every figure has a twin that gives the same facts as rows (``roofline`` and ``roofline_rows``);
``pandas.DataFrame(rows)`` is a table of them.
"""
