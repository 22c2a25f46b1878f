"""The child's side of `function_processes` where functions run in Lambda's runtime loop.

The same conversation as that of `infra.invoke`: a line of JSON comes in, an answer goes out.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from infra.lambda_emulator import emulated
from infra.lambda_runtime import built_template
from infra.lambda_worker import FunctionError
from infra.lifeline import leave_with_the_parent
from infra.template import Function


def main() -> int:
    """Invoke a function; return the exit code: 1 if it failed."""
    asked = json.loads(sys.stdin.buffer.readline())
    leave_with_the_parent()
    answers, code = sys.stdout, 0
    with contextlib.redirect_stdout(sys.stderr):
        try:
            answer = _call(asked["function"], asked["event"], Path(asked["logs"]))
        except FunctionError as error:
            answer, code = {"errorType": "FunctionError", "errorMessage": str(error)}, 1
    print(json.dumps(answer), file=answers, flush=True)
    return code


def _call(given: dict[str, Any], event: Any, logs: Path) -> Any:
    function = Function(**given | {"code_dir": Path(given["code_dir"])})
    worker = emulated(built_template(), function, logs)
    try:
        return worker(event)
    finally:
        worker.stop()


if __name__ == "__main__":
    sys.exit(main())
