"""`make run`: embedded AWS, tables, leads, a first model, and every function on one port.

Ctrl-C or SIGTERM ends it cleanly at any moment: requests finish, the embedded AWS writes its
state, and the next run goes on from there in seconds.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from infra.stop_request import Stopped, StopRequest

DEFAULT_PORT = "8000"
# Fewer make the tests of the whole thing quick.
DEFAULT_DEMO_LEADS = int(os.environ.get("DEMO_LEADS", "6000"))


def main(arguments: list[str] | None = None) -> int:
    """Run until asked to stop; return the exit code."""
    stop = StopRequest().listen()
    given = _arguments(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger("infra.gateway").setLevel(logging.INFO)
    # After the signals are listened to, because these take a while to import.
    from infra.embedded_aws import EmbeddedAwsError
    from infra.local_run import run
    from infra.state import RunError

    try:
        run(given, stop)
    except Stopped:
        print("\nStopped; leads, outcomes and models are kept.", flush=True)
        return 0
    except (RunError, EmbeddedAwsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--data", type=Path, help="leads of your own, JSON Lines or CSV")
    parser.add_argument("--outcomes", type=Path, help="what became of them")
    parser.add_argument("--port", default=DEFAULT_PORT)
    parser.add_argument("--demo", action="store_true", help="serve the demo, own data or not")
    parser.add_argument("--add", action="store_true", help="add DATA to what is kept already")
    parser.add_argument("--retrain", action="store_true", help="train a new model")
    parser.add_argument("--demo-leads", type=int, default=DEFAULT_DEMO_LEADS)
    parser.add_argument(
        "--runtime", choices=("python", "lambda"), default="python", help="where functions run"
    )
    parser.add_argument("--state", type=Path, help="where leads and models are kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
