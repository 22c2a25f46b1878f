"""`make report`: what a model is worth, as one HTML page that needs nothing besides itself.

It reads the model's own files and what the stores know since, starts the stores if `make run` is
not running, and keeps the page in `.local/reports/` and beside the model in the model store.
"""

import argparse
import sys
from pathlib import Path

from infra.stop_request import Stopped, StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Write the report of one model; return the exit code."""
    stop = StopRequest().listen()
    given = _arguments(arguments)
    # After the signals are listened to, because these take a while to import.
    from infra.embedded_aws import EmbeddedAwsError
    from infra.report_run import write_report
    from infra.state import RunError

    try:
        write_report(given, stop)
    except Stopped:
        print("\nStopped; no report was written.", flush=True)
        return 130
    except (RunError, EmbeddedAwsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make report", description=__doc__)
    parser.add_argument("--model", help="its version; the active model by default")
    parser.add_argument("--out", type=Path, help="where the page goes, .local/reports by default")
    parser.add_argument("--demo", action="store_true", help="a model of the demo, own leads or not")
    parser.add_argument("--look", action="store_true", help="a model of what `make demo` played")
    parser.add_argument("--state", type=Path, help="where leads and models are kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
