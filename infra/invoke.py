"""The child's side of `function_processes`: call one handler, once, the way Lambda does.

Which one and with which event comes as the first line of standard input, which stays open as a
lifeline. The answer goes to standard output as a line of JSON, all that is said besides to standard
error.
"""

import contextlib
import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from infra.lifeline import leave_with_the_parent


def main() -> int:
    """Invoke a function; return the exit code: 1 if it raised."""
    # What a training does takes effect whole or not at all, so it may end anywhere.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asked = json.loads(sys.stdin.buffer.readline())
    leave_with_the_parent()
    answers, code = sys.stdout, 0
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = _call(asked["function"], asked["event"])
        except Exception as error:  # noqa: BLE001 (Lambda contains a crash of a handler the same way)
            traceback.print_exc()
            answer, code = {"errorType": type(error).__name__, "errorMessage": str(error)}, 1
    print(json.dumps(answer), file=answers, flush=True)
    return code


def _call(function: dict[str, Any], event: Any) -> Any:
    from infra.gateway_functions import LoadedFunction
    from infra.template import Function

    code_dir = Path(function["code_dir"])
    return LoadedFunction(Function(**function | {"code_dir": code_dir}))(event)


if __name__ == "__main__":
    sys.exit(main())
