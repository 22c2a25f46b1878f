from collections.abc import Mapping
from pathlib import Path

from lead_scoring.adapters.model_directory import LocalModelDirectory
from lead_scoring.entities import ActiveModel
from tests.forests import TRAINED_AT

VERSION, NEXT = "v20240601_120000_f522174e", "v20240602_120000_0badcafe"


def kept(folder: LocalModelDirectory, version: str, files: Mapping[str, bytes]) -> ActiveModel:
    active = ActiveModel(version, {"a": "1"}, TRAINED_AT)
    folder.keep(version, files)
    folder.keep_active(active)
    return active


def test_a_folder_gives_back_what_it_kept(tmp_path: Path) -> None:
    folder = LocalModelDirectory(str(tmp_path / "made" / "when needed"))

    active = kept(folder, VERSION, {"a": b"1", "b": b"2"})

    assert folder.read(VERSION, "a") == b"1"
    assert folder.read(VERSION, "c") is None
    assert folder.read(NEXT, "a") is None
    assert folder.last_active() == active


def test_the_last_model_kept_is_the_one_that_was_active_last(tmp_path: Path) -> None:
    folder = LocalModelDirectory(str(tmp_path))
    kept(folder, VERSION, {"a": b"1"})

    active = kept(folder, NEXT, {"a": b"2"})

    assert folder.last_active() == active
    assert folder.read(NEXT, "a") == b"2"
    assert [path.name for path in (tmp_path / NEXT).iterdir()] == ["a"]


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious" / "deep").mkdir(parents=True)
    (tmp_path / "precious" / "deep" / "work").write_text("of years")
    (tmp_path / "note").write_text("keep me")

    for version in (VERSION, NEXT, VERSION):
        kept(LocalModelDirectory(str(tmp_path)), version, {"a": b"1"})

    assert (tmp_path / "precious" / "deep" / "work").read_text() == "of years"
    assert (tmp_path / "note").read_text() == "keep me"


def test_a_folder_that_cannot_be_made_costs_the_copy_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = LocalModelDirectory(str(tmp_path / "file" / "models"))

    kept(folder, VERSION, {"a": b"1"})

    assert folder.read(VERSION, "a") is None
    assert folder.last_active() is None


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = LocalModelDirectory(str(tmp_path))
    (tmp_path / VERSION / "a" / "in the way").mkdir(parents=True)

    folder.keep(VERSION, {"a": b"1"})

    assert [path.name for path in (tmp_path / VERSION).iterdir()] == ["a"]
    assert folder.read(VERSION, "a") is None
