from datetime import timedelta

import pytest

from lead_scoring.scoring_model import checksums
from tests import forests
from tests.trainings import ROWS, files_of, trained


@pytest.mark.parametrize("count", [2, 3])
def test_the_same_data_trained_on_twice_within_a_second_make_two_models_that_are_whole(
    count: int,
) -> None:
    services = trained(ROWS)

    for _ in range(count - 1):
        services.model_trainer.train_new_model(forests.QUICK)

    records = services.models.newest_first()
    assert len({record.model_version for record in records}) == count
    assert len({record.model_version[-8:] for record in records}) == 1
    for record in records:
        assert checksums(files_of(services, record.model_version)) == record.checksums
        assert record.model_version.startswith(f"v{record.created_at:%Y%m%d_%H%M%S}_")
    assert records[0].created_at - records[-1].created_at == timedelta(seconds=count - 1)
    services.model_releases.activate(records[-1].model_version)
