from pathlib import Path

import pytest

from infra.state import RunError, StateFolder, fingerprint


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "demo")

    first, second = folder.hash_key(), folder.hash_key()

    assert first == second
    assert len(first) == 64
    assert (folder.path / "hash-key").stat().st_mode & 0o777 == 0o600


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "demo")
    lock = folder.lock()

    with pytest.raises(RunError, match="Another `make run`"):
        folder.lock()
    lock.close()

    folder.lock().close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RunError, match="file/demo cannot be used: Not a directory"):
        StateFolder(tmp_path / "file" / "demo").lock()


def test_a_folder_is_complete_only_when_loading_has_finished(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "own")

    before = folder.is_complete
    folder.set_source({}, complete=False)
    during = folder.is_complete
    folder.set_source({}, complete=True)

    assert (before, during, folder.is_complete) == (False, False, True)


def test_a_file_that_has_changed_is_told_from_its_former_self(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("a")
    before = fingerprint({"data": file, "outcomes": None})

    same = fingerprint({"data": file, "outcomes": None})
    file.write_text("ab")

    assert before == same
    assert fingerprint({"data": file, "outcomes": None}) != before
