"""The set-up scripts, without installing anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import set_up

PROJECT = Path(__file__).resolve().parents[2]
OLD = '#!/bin/sh\n[ "$1" = -V ] && { echo Python 3.9.1; exit 0; }\nexit 1\n'
# Fits by its version, and has no ensurepip, like Debian's without python3-venv.
NO_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *print*) echo 3.12;; esac\nexit 0\n'


def find_python(folder: Path, named: str = "", **scripts: str) -> subprocess.CompletedProcess[str]:
    for name, script in scripts.items():
        file = folder / name.replace("_", ".")
        file.write_text(script)
        file.chmod(0o755)
    environment = {"PATH": str(folder), "PYTHON": named, "HOME": str(folder)}
    return subprocess.run(
        ["/bin/sh", str(PROJECT / "infra" / "find_python.sh")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_is_named_kindly(tmp_path: Path) -> None:
    found = find_python(tmp_path, python3=OLD)

    assert found.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13; found: Python 3.9.1" in found.stderr


def test_no_python_at_all_is_named_kindly(tmp_path: Path) -> None:
    found = find_python(tmp_path)

    assert found.returncode == 1
    assert "found: no python3" in found.stderr


def test_a_newer_python_beside_an_old_one_is_taken(tmp_path: Path) -> None:
    found = find_python(tmp_path, python3=OLD, python3_12="#!/bin/sh\nexit 0\n")

    assert found.stdout.strip() == str(tmp_path / "python3.12")


def test_a_python_without_venv_says_which_package_to_install(tmp_path: Path) -> None:
    found = find_python(tmp_path, python3=NO_VENV)

    assert found.returncode == 1
    assert "sudo apt install python3.12-venv" in found.stderr


def test_the_python_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    found = find_python(tmp_path, named=sys.executable, python3=OLD)

    assert found.stdout.strip() == sys.executable


def test_what_is_ready_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requirements, target = tmp_path / "requirements.txt", tmp_path / "venv"
    requirements.write_text("rich==1\n")
    target.mkdir()
    (target / "ready").write_text(set_up._fingerprint(requirements))
    os.utime(target / "ready", (0, 0))

    code = set_up.main([str(target), str(requirements), "1", "a second"])

    assert code == 0
    assert capsys.readouterr().out == ""
    assert (target / "ready").stat().st_mtime > 0


def test_the_fingerprint_follows_included_files(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.txt").write_text("-r more/b.txt\n")
    (tmp_path / "more" / "b.txt").write_text("rich==1\n")
    before = set_up._fingerprint(tmp_path / "a.txt")

    (tmp_path / "more" / "b.txt").write_text("rich==2\n")

    assert set_up._fingerprint(tmp_path / "a.txt") != before


def test_a_folder_that_is_no_environment_is_never_removed(tmp_path: Path) -> None:
    requirements, target = tmp_path / "requirements.txt", tmp_path / "venv"
    requirements.write_text("rich==1\n")
    target.mkdir()
    (target / "precious").write_text("mine")

    with pytest.raises(SystemExit, match="is in the way"):
        set_up.main([str(target), str(requirements), "1", "a second"])

    assert (target / "precious").read_text() == "mine"


def test_an_environment_that_works_is_not_removed_for_another_python(tmp_path: Path) -> None:
    target = tmp_path / "venv"
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "python").write_text("#!/bin/sh\nexit 0\n")
    (target / "bin" / "python").chmod(0o755)

    assert set_up._is_usable(target)
