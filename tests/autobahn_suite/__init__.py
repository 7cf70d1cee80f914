"""The Autobahn|Testsuite against what is made of fastws, and against each host with fastws in.

`run.py` is the command; `sides.py` says what there is to try. The folder is not called `autobahn`,
which would stand in the way of the library of that name.
"""
