"""What `fastws bench` and the benchmarks of the repository share: work, sides, measuring.

Rule: nothing of the package imports this but the command line, and nothing here imports another
library before it is asked to measure it.
"""
