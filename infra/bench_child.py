"""What a fresh process of the benchmark does: load a saved model, score leads, and say how many.

`python -m infra.bench_child {ours,plain} FOLDER LEADS.jsonl COUNT {reasons,no-reasons}` reads the
first COUNT leads, one a line, scores them in one call and writes the answer, as a request would.
"""

import json
import sys
from itertools import islice
from pathlib import Path


def main(side: str, folder: str, leads: str, count: str, reasons: str) -> None:
    """Score once. Only the side's own module is imported, for imports are what is measured."""
    if side == "ours":
        from .bench_ours import connect
    else:
        from .bench_plain import connect
    score = connect(Path(folder))
    with Path(leads).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, int(count))]
    answers = score(rows, reasons == "reasons")
    body = json.dumps({"results": list(answers), "count": len(answers)})
    print(json.dumps({"scored": len(answers), "bytes": len(body)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
