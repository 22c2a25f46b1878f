"""The steps of `make run`: which leads, is anything to be loaded or trained, then serve."""

import argparse
import contextlib
from pathlib import Path
from typing import Any

from infra import prepare
from infra.local_stack import LocalStack, run_child
from infra.serving import port_number, reserve_port, serve
from infra.state import DEMO, OWN, STATE, RunError, StateFolder, fingerprint
from infra.stop_request import StopRequest


def run(given: argparse.Namespace, stop: StopRequest) -> None:
    """Do it all and serve; raise Stopped when asked to end, RunError when it cannot be done."""
    files = _files(given)
    with contextlib.ExitStack() as stack:
        # First of all, so that a busy port shows before minutes of work.
        server = reserve_port(port_number(given.port))
        stack.callback(server.stop)
        folder = _folder(given)
        stack.callback(folder.lock().close)
        work = _work(given, folder, files)
        if work.afresh and (folder.path / "aws").exists():
            _move_away(folder)
            stack.callback(folder.lock().close)
        stop.check()
        local = LocalStack(folder, runtime=given.runtime)
        stack.callback(local.stop)
        local.start()
        stop.check()
        _prepare(local, work, files, stop)
        serve(server, local, stop)


# What a model card says of whose leads these are.
DATA_NAMES = {DEMO: "synthetic demo leads", OWN: "own leads"}


class _Work:
    """What is to be done before serving: arguments for `prepare`, none if nothing is."""

    def __init__(self, arguments: list[str], afresh: bool = False, loads: bool = False) -> None:
        self.arguments, self.afresh, self.loads = arguments, afresh, loads


def _files(given: argparse.Namespace) -> dict[str, Any]:
    if given.outcomes and not given.data:
        raise RunError("OUTCOMES says what became of leads: name their file too, with DATA=.")
    if given.add and not given.data:
        raise RunError("ADD=1 adds the leads of a file: name it with DATA=.")
    if given.data and given.demo:
        raise RunError("DEMO=1 and DATA= exclude each other: leave one of them out.")
    for name in ("data", "outcomes"):
        file = getattr(given, name)
        if file is not None:
            setattr(given, name, file.expanduser())
            if not file.expanduser().is_file():
                raise RunError(f"There is no file {file}: check {name.upper()}=.")
    return fingerprint({"data": given.data, "outcomes": given.outcomes})


def _folder(given: argparse.Namespace) -> StateFolder:
    base = (given.state or STATE).absolute()
    own, demo = StateFolder(base / OWN), StateFolder(base / DEMO)
    if given.data:
        return own
    if given.demo or not own.path.exists():
        return demo
    if not own.is_complete:
        print("Loading your own leads did not finish: `make run DATA=...` does it again.")
        print("Meanwhile this is the demo.")
        return demo
    file = own.source()["files"]["data"][0]
    print(f"These are your own leads ({file}); `make run DEMO=1` goes back to the demo.")
    return own


def _work(given: argparse.Namespace, folder: StateFolder, files: dict[str, Any]) -> _Work:
    train = ["--train", DATA_NAMES[folder.name]]
    if given.data is None:
        if folder.is_complete:
            return _Work(train if given.retrain else [])
        return _Work(["--demo", str(given.demo_leads), *train], loads=True)
    loaded = folder.source()
    if loaded.get("files") == files and folder.is_complete:
        print("These files are loaded already (RETRAIN=1 trains again on what is kept).")
        return _Work(train if given.retrain else [])
    arguments = ["--data", str(given.data), "--reports", str(folder.path)]
    if given.outcomes:
        arguments += ["--outcomes", str(given.outcomes), *train]
    elif not given.add:
        print("Without OUTCOMES nothing can be learned: scores will come from the baseline.")
    else:
        arguments += train
    if given.add:
        return _Work([*arguments, "--add"], loads=True)
    # Other leads than last time begin with an empty store, so that no two sets ever mix.
    return _Work(arguments, afresh=loaded.get("files") != files, loads=True)


def _move_away(folder: StateFolder) -> None:
    kept = folder.move_away()
    print(f"These are other leads than before: those are kept in {_shown(kept)}.")
    print("(ADD=1 would add the new ones to them instead.)")


def prepare_leads(local: LocalStack, count: int, stop: StopRequest) -> None:
    """Load demo leads and train on them, unless that was done before."""
    folder = local.folder
    if not folder.is_complete:
        train = ["--train", DATA_NAMES[folder.name]]
        _prepare(local, _Work(["--demo", str(count), *train], loads=True), {}, stop)


def _prepare(local: LocalStack, work: _Work, files: dict[str, Any], stop: StopRequest) -> None:
    if not work.arguments:
        return
    folder = local.folder
    if work.loads:
        folder.set_source(files, complete=False)
    code = run_child("infra.prepare", work.arguments, stop)
    if code == prepare.TOO_FEW_OUTCOMES:
        print("Scores come from the baseline until there are enough: add outcomes, and run again.")
    elif code == prepare.BAD_FILE:
        raise RunError("Nothing was trained: correct the file and run the same command again.")
    elif code != 0:
        raise RunError(
            f"Loading or training failed (code {code}): see above, and {_shown(local.log_file)}."
        )
    if work.loads:
        folder.set_source(files, complete=True)
    # From here on not even a power cut takes the leads and the model away.
    local.write_down()


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
