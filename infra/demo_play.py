"""Play a story against a running local system, over HTTP, and say what happens."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from rich.console import Console
from rich.status import Status

from infra.demo_client import ServiceClient
from infra.demo_clock import SimulatedClock
from infra.demo_periods import Journal
from infra.demo_report import Training
from infra.demo_story import Arrival, Scored, Story, Work
from infra.function_processes import Call, Ended
from infra.schedules import Schedules
from infra.stop_request import StopRequest

# Of POST /batch-score without reasons, and of POST /feedback/implicit.
BATCH_LEADS, SESSION_INTERACTIONS = 5_000, 500
LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
FOLLOW_SECONDS = 30.0


class Player:
    """Moves the clock, sends leads and feedback, and lets the schedule do the rest."""

    def __init__(
        self,
        client: ServiceClient,
        clock: SimulatedClock,
        schedules: Schedules,
        calls: list[Call],
        console: Console,
        stop: StopRequest,
    ) -> None:
        """Wire it; `calls` is where the schedules' calls are put."""
        self._client, self._clock, self._schedules = client, clock, schedules
        self._calls, self._console, self._stop = calls, console, stop
        self._known_job: str | None = None
        self.journal = Journal()
        self.trainings: list[Training] = []
        self.refused = 0

    def play(self, story: Story) -> None:
        """Play all steps; raise Stopped when asked to end."""
        for step in story.steps:
            self._stop.check()
            self._clock.move_to(step.check_at)
            if self._schedules.look():
                self._follow_check(step.check_at)
            scored = [lead for at, new in step.scorings for lead in self._score(at, new)]
            self._clock.move_to(step.ends_at)
            work = story.work(step, scored)
            self._send(work)
            self.journal.add(step.ends_at.date(), scored, work.worked)
            self._say(f"{step.ends_at:%a %d %b %Y}  {_told(scored, work)}")

    def _score(self, at: datetime, arrivals: Sequence[Arrival]) -> Iterator[Scored]:
        self._stop.check()
        self._clock.move_to(at)
        remaining = iter(arrivals)
        while batch := list(islice(remaining, BATCH_LEADS)):
            body = {"leads": [arrival.lead for arrival in batch]}
            answer = self._client.post("/batch-score?explain=false", body)
            bad = {error["index"] for error in answer["errors"]}
            self.refused += len(bad)
            good = [arrival for place, arrival in enumerate(batch) if place not in bad]
            for arrival, score in zip(good, answer["results"], strict=True):
                yield Scored(arrival, at, score["probability"], score["model_version"])

    def _send(self, work: Work) -> None:
        for session in work.sessions:
            interactions = iter(session["interactions"])
            while some := list(islice(interactions, SESSION_INTERACTIONS)):
                self._client.post("/feedback/implicit", session | {"interactions": some})
        self._client.post_all("/feedback", work.feedback)

    def _follow_check(self, at: datetime) -> None:
        """Wait for what the schedule called, and say what came of it."""
        with self._console.status(f"{at:%a %d %b %Y}  the daily check") as status:
            while self._calls:
                call = self._calls.pop(0)
                ended = self._watch(call, status)
                if ended.fault:
                    self._say(f"  {call.function.logical_id}: {ended.fault}")
        if job := self._new_job():
            self._known_job = job
            self._take_down(at, self._client.get(f"/retrain/{job}"))

    def _watch(self, call: Call, status: Status) -> Ended:
        """Wait for a call, and show how far its training is."""
        job = None
        while (ended := call.wait(LOOK_SECONDS)) is None:
            self._stop.check()
            # Looking at all metrics costs more than looking at a job, and most checks are short.
            if job is None and call.seconds > PATIENCE_SECONDS:
                job = self._new_job()
            if job is not None:
                seen = self._client.get(f"/retrain/{job}")["progress"]
                status.update(f"training: {seen['step']}, {seen['fraction']:.0%}")
        return ended

    def _new_job(self) -> str | None:
        job = (self._client.get("/metrics")["training"]["last_job"] or {}).get("job_id")
        return job if job != self._known_job else None

    def _take_down(self, at: datetime, job: dict[str, Any]) -> None:
        if job["status"] == "skipped":
            return
        verdict = job["verdict"]
        if not verdict:
            self._say(f"  {at:%H:%M} check: training {job['status']}: {job['error']}")
            return
        self._say(f"  {at:%H:%M} check: {' '.join(job['reasons'])}")
        gate = "promoted" if verdict["promoted"] else "not promoted"
        self._say(f"  trained {job['model_version']}: {gate}")
        self.trainings.append(
            Training(f"{at:%d %b %Y}", job["model_version"], verdict["promoted"], verdict["text"])
        )
        if verdict["promoted"]:
            self._wait_for(job["model_version"])

    def _wait_for(self, version: str) -> None:
        """Wait until the warm functions answer with a model that was activated."""
        tries = int(FOLLOW_SECONDS / LOOK_SECONDS)
        for _ in range(tries):
            if self._client.get("/health")["model_version"] == version:
                return
            self._stop.wait(LOOK_SECONDS)
        self._say(f"  {version} is active, but does not answer yet.")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False)


def _told(scored: Sequence[Scored], work: Work) -> str:
    said = [body["action_type"] for body in work.feedback]
    top = max((lead.probability for lead in scored), default=0.0)
    model = scored[-1].model_version if scored else "nobody asked"
    return (
        f"{len(scored):4} leads, the best at {100 * top:3.0f}; {len(work.worked):4} worked; came "
        f"back: {said.count('convert'):3} converted, {said.count('rate'):3} not   {model}"
    )
