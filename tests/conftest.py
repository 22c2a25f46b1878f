import os

# Trees of tests are tiny and machines busy: threads that wait for each other must not spin.
# Read when XGBoost is loaded, so it comes before any import of it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
