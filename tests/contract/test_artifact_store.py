from urllib.request import urlopen

import pytest

from lead_scoring.errors import ArtifactError

from .conftest import Stores
from .examples import fresh


def test_files_come_back_byte_for_byte(stores: Stores) -> None:
    version = fresh("v")
    files = {"model.ubj": bytes(range(256)) * 1000, "report.json": '{"ä": 1}'.encode(), "e": b""}

    stores.artifacts.write(version, files)

    assert {name: stores.artifacts.read(version, name) for name in files} == files


def test_a_missing_file_is_an_artifact_error(stores: Stores) -> None:
    version = fresh("v")
    stores.artifacts.write(version, {"model.ubj": b"x"})

    with pytest.raises(ArtifactError, match=r"report.json"):
        stores.artifacts.read(version, "report.json")
    with pytest.raises(ArtifactError):
        stores.artifacts.read(fresh("v"), "model.ubj")


def test_a_file_written_again_is_replaced(stores: Stores) -> None:
    version = fresh("v")
    stores.artifacts.write(version, {"model.ubj": b"old"})

    stores.artifacts.write(version, {"model.ubj": b"new"})

    assert stores.artifacts.read(version, "model.ubj") == b"new"


def test_a_link_leads_to_the_file_in_a_browser(embedded_stores: Stores) -> None:
    version = fresh("v")
    embedded_stores.artifacts.write(version, {"report.html": "<p>Grüße</p>".encode()})

    address = embedded_stores.artifacts.link(version, "report.html")

    assert address is not None
    with urlopen(address) as answer:
        assert answer.read().decode() == "<p>Grüße</p>"
        assert answer.headers["Content-Type"] == "text/html"


def test_there_is_no_link_to_a_file_that_is_not_there(stores: Stores) -> None:
    version = fresh("v")
    stores.artifacts.write(version, {"report.html.old": b"x"})

    assert stores.artifacts.link(version, "report.html") is None


def test_a_store_that_is_there_answers_a_ping(stores: Stores) -> None:
    stores.artifacts.ping()


def test_a_model_is_listed_as_long_as_it_has_files(stores: Stores) -> None:
    version, other = fresh("v"), fresh("v")
    stores.artifacts.write(version, {"model.ubj": b"x", "report.json": b"{}"})
    stores.artifacts.write(other, {"model.ubj": b"y"})

    stores.artifacts.delete(version)

    assert version not in stores.artifacts.versions()
    assert other in stores.artifacts.versions()
    for name in ("model.ubj", "report.json"):
        with pytest.raises(ArtifactError):
            stores.artifacts.read(version, name)


def test_deleting_spares_a_model_whose_name_begins_alike(stores: Stores) -> None:
    version = fresh("v")
    stores.artifacts.write(version, {"model.ubj": b"x"})
    stores.artifacts.write(f"{version}0", {"model.ubj": b"y"})

    stores.artifacts.delete(version)

    assert stores.artifacts.read(f"{version}0", "model.ubj") == b"y"


def test_deleting_what_is_not_there_changes_nothing(stores: Stores) -> None:
    stores.artifacts.delete(fresh("v"))
