"""Put the adapters into the Python processes that a program under `fastws run` starts.

`fastws run` puts this folder first on PYTHONPATH. Python imports the first `sitecustomize` of its
path before anything else, in every process: workers and reloaders that start as new interpreters
get the adapters in this way, which a patch inside the parent could not give them.
"""

import os
import sys

# Leave no trace: the program sees the path, and the sitecustomize, that it has without fastws.
folder = os.path.dirname(__file__)
sys.path[:] = [entry for entry in sys.path if entry != folder]

try:
    import fastws
except ModuleNotFoundError as error:
    if error.name != "fastws":
        raise
    # Another interpreter, with packages of its own: it runs as it always did.
else:
    fastws.install()

ours = sys.modules.pop(__name__)
try:
    __import__(__name__)  # the next one on the path
except ModuleNotFoundError as error:
    if error.name != __name__:
        raise
    sys.modules[__name__] = ours  # the import system asks for it when we are done
