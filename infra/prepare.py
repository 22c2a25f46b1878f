"""Load leads and train a first model: the part of `make run` that is over before it serves.

A process of its own, so that the libraries of training never weigh on the one that serves. Its
environment says where the stores are.
"""

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.lifeline import leave_with_the_parent

TOO_FEW_OUTCOMES = 3
BAD_FILE = 4
LEASE_GRACE_SECONDS = 5
LOOK_AGAIN_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Load what the arguments say and train; return the exit code."""
    given = _arguments(arguments)
    # Nothing here needs a clean end: what is registered is whole, what is loaded is loaded again.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    leave_with_the_parent()
    from infra.rows import FileError
    from lead_scoring.bootstrap import connect
    from lead_scoring.errors import JobRunningError, StoreUnavailableError, TooFewSamplesError

    services = connect()
    try:
        if given.demo:
            _load_demo(services, given.demo)
        if given.data:
            _load_own(services, given)
        if given.train:
            _train(services, given.train)
    except FileError as error:
        print(error, file=sys.stderr)
        return BAD_FILE
    except TooFewSamplesError as error:
        print(f"No model was trained: {error}.", file=sys.stderr)
        return TOO_FEW_OUTCOMES
    except JobRunningError as error:
        print(f"No model was trained: {error}.", file=sys.stderr)
        return 1
    except StoreUnavailableError as error:
        print(f"The embedded AWS did not answer ({error.store}); try again.", file=sys.stderr)
        return 1
    return 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=int, default=0, help="how many synthetic leads to make")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--add", action="store_true", help="outcomes may be of leads kept already")
    parser.add_argument("--train", metavar="NAME", help="train, and call the leads so on the card")
    parser.add_argument("--reports", type=Path, default=Path())
    return parser.parse_args(arguments)


def _load_demo(services: Any, count: int) -> None:
    from infra.demo_leads import demo_leads
    from infra.load_data import lead_and_moment
    from infra.outcome_rows import read_outcome
    from infra.progress import ProgressBar

    now, hash_key = datetime.now(UTC), services.settings.hash_key
    made = list(demo_leads(count))
    with ProgressBar("Loading synthetic demo leads", "leads") as bar:

        def leads() -> Any:
            for number, each in enumerate(made, start=1):
                lead, moment = lead_and_moment(each.lead, now, hash_key)
                bar.update(number / len(made), number)
                yield lead, moment or now

        services.training_data.add_leads(leads())
    outcomes = [read_outcome(each.outcome, now) for each in made if each.outcome]
    services.training_data.add_outcomes(outcomes)
    print(f"Loaded {len(made):,} synthetic demo leads, {len(outcomes):,} with an outcome.")


def _load_own(services: Any, given: argparse.Namespace) -> None:
    from infra.load_data import load_leads, load_outcomes
    from infra.rows import FileError

    now, store = datetime.now(UTC), services.training_data
    leads = load_leads(given.data, store, now, services.settings.hash_key, given.reports)
    print(f"Loaded {leads.kept:,} leads from {given.data}; {leads.refused:,} rows were refused.")
    sys.stdout.flush()
    if not leads.kept:
        raise FileError(f"{given.data} has no lead that can be used.")
    if given.outcomes:
        known = None if given.add else leads.keys
        outcomes = load_outcomes(given.outcomes, store, now, known, given.reports)
        print(
            f"Loaded {outcomes.kept:,} outcomes from {given.outcomes}; "
            f"{outcomes.refused:,} rows were refused."
        )
    sys.stdout.flush()


def _train(services: Any, data_name: str) -> None:
    trained = _train_when_free(services, data_name)
    metrics = trained["metrics"]
    shown = ", ".join(
        f"{label} {metrics[name]:.3f}"
        for name, label in (("auc_roc", "AUC"), ("log_loss", "log loss"))
        if isinstance(metrics.get(name), float)
    )
    done = "Trained and activated" if trained["promoted"] else "Trained, but did not activate,"
    print(f"{done} {trained['model_version']}; on the newest leads: {shown}.")
    print(trained["verdict"])
    sys.stdout.flush()


def _train_when_free(services: Any, data_name: str) -> dict[str, Any]:
    """Train; where a run before this one was killed while it trained, first outwait its lease."""
    from lead_scoring.errors import JobRunningError

    patience_seconds = services.settings.retrain_lease_seconds + LEASE_GRACE_SECONDS
    give_up_at, told = time.monotonic() + patience_seconds, False
    while True:
        try:
            return _train_once(services, data_name)
        except JobRunningError:
            if time.monotonic() >= give_up_at:
                raise
        if not told:
            print(
                "Another training has not ended. If it was cut off, it is taken for dead within "
                f"{patience_seconds} seconds: waiting.",
                flush=True,
            )
            told = True
        time.sleep(LOOK_AGAIN_SECONDS)


def _train_once(services: Any, data_name: str) -> dict[str, Any]:
    from infra.progress import ProgressBar

    with ProgressBar("Training") as bar:
        trained: dict[str, Any] = services.model_trainer.train_new_model(
            progress=lambda step, fraction: bar.update(fraction, step=step),
            activated_by="make run",
            data_name=data_name,
        )
    return trained


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
