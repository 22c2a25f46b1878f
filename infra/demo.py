"""`make demo`: some weeks of a small sales team that works with the service, in a few minutes.

A local system of its own starts as `make run` starts one, without leads or model, on a simulated
calendar. The team's leads are scored over HTTP, its feedback is sent over HTTP, and the daily check
of the schedule trains in its own process when the rules say so. `infra/demo_team.py` says how the
team works; with DATA and OUTCOMES the user's own history is played instead. What happened is kept:
`make demo LOOK=1` serves it.
"""

import argparse
import sys
import time
from pathlib import Path

from infra.stop_request import Stopped, StopRequest


def main(arguments: list[str] | None = None) -> int:
    """Play until the end or until asked to stop; return the exit code."""
    stop = StopRequest().listen()
    given = _arguments(arguments)
    # After the signals are listened to, because these take a while to import.
    from infra.demo_client import UnexpectedAnswerError
    from infra.demo_run import look, play
    from infra.embedded_aws import EmbeddedAwsError
    from infra.rows import FileError
    from infra.state import RunError

    started = time.monotonic()
    try:
        (look if given.look else play)(given, stop)
        print(f"Done in {time.monotonic() - started:.0f} s.", flush=True)
    except Stopped:
        print("\nStopped; what was played so far is kept.", flush=True)
        return 0 if given.look else 130
    except (RunError, EmbeddedAwsError, FileError, UnexpectedAnswerError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="leads of your own, JSON Lines or CSV")
    parser.add_argument("--outcomes", type=Path, help="what became of them")
    parser.add_argument("--days", help="how many days to play; of your own leads the last ones")
    parser.add_argument("--leads", default="80", help="synthetic leads a day")
    parser.add_argument("--seed", default="20240101", help="another one is another story")
    parser.add_argument("--quick", action="store_true", help="only some days")
    parser.add_argument("--look", action="store_true", help="serve what was played last")
    parser.add_argument("--port", help="8000 by default, if it is free")
    parser.add_argument("--state", type=Path, help="where leads and models are kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
