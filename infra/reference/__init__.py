"""The same work as most teams ship it: pandas, scikit-learn and XGBoost, no care for cold starts.

Only the benchmark and the evaluation use it, as something honest to be compared with. Nothing
under `layers/` or `functions/` may import it.
"""
