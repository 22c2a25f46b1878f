"""The Lambda function that trains, called without waiting for it."""

import json
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config

from ..settings import Settings
from .aws import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, unavailable_on_failure


class LambdaTrainingWorker:
    """A TrainingWorker in another function; connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._function = settings.training_function
        self._endpoint_url = settings.lambda_endpoint_url or settings.aws_endpoint_url
        self._connected: Any = None
        self._connecting = Lock()

    def start(self, job_id: str) -> None:
        """Have a job done, without waiting for it.

        A call whose answer was lost is made again, and the function may so be called twice: only
        the first to start the job trains, the other finds it started.
        """
        payload = json.dumps({"job_id": job_id}).encode()
        with unavailable_on_failure("lambda"):
            self._client().invoke(
                FunctionName=self._function, InvocationType="Event", Payload=payload
            )

    def _client(self) -> Any:
        # Making a client is not thread-safe in botocore, using one is.
        with self._connecting:
            if self._connected is None:
                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                )
                self._connected = botocore.session.get_session().create_client(
                    "lambda", endpoint_url=self._endpoint_url, config=config
                )
            return self._connected
