"""The host libraries' own test-suites, run without fastws and with it: they may not notice.

`run.py` is the command; `suites.py` says what there is to run.
"""
