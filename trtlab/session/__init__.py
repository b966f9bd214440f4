"""Floor 13: the one-call API and the long-running work behind it.

* `requests`: what a caller asks for, and what it hears while the work is under way.
"""
