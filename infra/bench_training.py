"""Train the product's model once, as a process of its own: `... LEADS OUTCOMES`."""

import json
import sys
import time
from pathlib import Path

from .bench_data import read_labelled
from .bench_models import fit_ours, measuring_settings


def main(leads: str, outcomes: str) -> None:
    """Fit the model on all leads as the product does by default, without any store."""
    data = read_labelled(Path(leads), Path(outcomes))
    began = time.perf_counter()
    fitted = fit_ours(data, measuring_settings())
    seconds = time.perf_counter() - began
    report = {"leads": len(data.leads), "seconds": seconds, "trees": fitted.trees}
    print(json.dumps(report | {"parameters": dict(fitted.params)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
