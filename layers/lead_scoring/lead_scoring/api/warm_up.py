"""Work for Lambda's init phase, which is not throttled to the function's share of a processor."""

import gc
import json
import logging
import os
from collections.abc import Callable

from ..errors import StoreUnavailableError
from ..garbage import loading

logger = logging.getLogger(__name__)


def on_lambda(load: Callable[[], object]) -> None:
    """Do the work if this is Lambda; anywhere else, importing a handler does nothing.

    A store that is down must not keep the function from starting: the first request tries again.
    What is loaded stays as long as the process, and is kept out of all searches for garbage.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    with loading():
        try:
            load()
        except StoreUnavailableError as error:
            logger.error(json.dumps({"event": "not_warmed_up", "store": error.store}))
        finally:
            gc.freeze()
