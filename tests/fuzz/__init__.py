"""Differential fuzzing: random streams that coverage steers, taken apart by all that we have.

`run.py` is the command; `targets.py` says what there is to run. The comparisons (`compare_*.py`)
need no fuzzer: tests/test_fuzz_corpus.py runs them over the corpus. `kernels/` is C.
"""
