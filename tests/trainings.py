"""Trainings on fakes: leads that were imported, services that train on them, and what came out."""

import json
import os
from datetime import datetime
from typing import Any

from lead_scoring.entities import Lead
from lead_scoring.entities.training import Outcome
from lead_scoring.incumbent import REPORT_FILE
from lead_scoring.scoring_model import ScoringModel
from tests import forests
from tests.fakes import fake_services

Row = tuple[Lead, datetime, Outcome]
COUNT, HELD_OUT = 150, 30
ROWS: list[Row] = list(forests.labelled_leads(COUNT))
# A local copy of a model is not what these tests are about: below a file no folder can be made.
NO_FOLDER = f"{os.devnull}/models"
# Services are `Any` here: behind their ports are fakes, whose insides the tests look at.


def services_with(rows: list[Row], **settings: Any) -> Any:
    """Return services that know these leads and what became of them."""
    services = fake_services(NO_FOLDER, **settings)
    services.training_data.add_leads((one, moment) for one, moment, _ in rows)
    services.training_data.add_outcomes(outcome for _, _, outcome in rows)
    return services


def trained(rows: list[Row], **arguments: Any) -> Any:
    """Train on rows; return the services, whose registry holds the one new model."""
    services = services_with(rows)
    services.model_trainer.train_new_model(forests.QUICK, **arguments)
    return services


def files_of(services: Any, version: str | None = None) -> dict[str, bytes]:
    """Return the files of a model (None: of the only one)."""
    files = services.artifacts.files.items()
    return {name: content for (of, name), content in files if version in (of, None)}


def report_of(services: Any, version: str | None = None) -> dict[str, Any]:
    """Return the card of a model (None: of the only one)."""
    report: dict[str, Any] = json.loads(files_of(services, version)[REPORT_FILE])
    return report


def model_of(services: Any) -> ScoringModel:
    """Return the only model, ready to score."""
    return ScoringModel.load(files_of(services).__getitem__)


def with_outcome(row: Row, **changes: Any) -> Row:
    """Return a lead of which something else became."""
    return row[0], row[1], row[2]._replace(**changes)
