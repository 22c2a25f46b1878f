"""The Lambda function that trains, called without waiting for it."""

import json

from ..settings import Settings
from .aws import unavailable_on_failure
from .clients import client


class LambdaTrainingWorker:
    """A TrainingWorker in another function; connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._function = settings.training_function
        self._endpoint_url = settings.lambda_endpoint_url or settings.aws_endpoint_url

    def start(self, job_id: str) -> None:
        """Have a job done, without waiting for it.

        A call whose answer was lost is made again, and the function may so be called twice: only
        the first to start the job trains, the other finds it started.
        """
        payload = json.dumps({"job_id": job_id}).encode()
        with unavailable_on_failure("lambda"):
            client("lambda", self._endpoint_url).invoke(
                FunctionName=self._function, InvocationType="Event", Payload=payload
            )
