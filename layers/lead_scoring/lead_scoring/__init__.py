"""Score leads with reasons that add up. Start at `lead_scoring.bootstrap.connect`."""

import os

# What numpy multiplies here is small: a second thread would find nothing to do, and spin for 50 ms
# of a start before it sleeps. numpy reads it when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
