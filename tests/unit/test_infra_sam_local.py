import json
from pathlib import Path

import pytest

from infra import sam_local
from infra.state import RunError
from infra.template import PROJECT, Template

BUILT = """
Globals:
  Function:
    Runtime: python3.13
    Environment: {Variables: {HASH_KEY: x, LEADS_TABLE: !Ref Leads}}
Resources:
  Leads: {Type: AWS::DynamoDB::Table}
  Score:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: Score, Handler: app.app, Environment: {Variables: {OWN: "1"}}}
"""
SETTINGS = {
    "HASH_KEY": "secret",
    "LEADS_TABLE": "demo-leads",
    "AWS_ENDPOINT_URL": "http://172.17.0.1:4566",
    "OF_NOBODY": "x",
}


def test_a_function_gets_its_own_variables_and_the_way_to_the_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "template.yaml"
    built.write_text(BUILT)
    monkeypatch.setattr(sam_local, "BUILT", built)
    monkeypatch.setattr("infra.lambda_runtime.BUILT", built)

    sam_local.write_template(SETTINGS, tmp_path / "local.json")

    document = json.loads((tmp_path / "local.json").read_text())
    assert document["Resources"]["Score"]["Properties"]["Environment"]["Variables"] == {
        "HASH_KEY": "secret",
        "LEADS_TABLE": "demo-leads",
        "OWN": "1",
        "AWS_ENDPOINT_URL": "http://172.17.0.1:4566",
    }
    assert "Environment" not in document["Globals"]["Function"]
    assert document["Globals"]["Function"]["Runtime"] == "python3.13"


def docker(folder: Path, system: str, code: int = 0, bridge: str = "172.17.0.1") -> str:
    """Make a docker that says what it runs on, and the address of its bridge or its subnet."""
    program = folder / "docker"
    program.write_text(
        f"#!/bin/sh\n[ $1 = info ] && echo '{system}'\n[ $1 = network ] && echo {bridge}\n"
        f"exit {code}\n"
    )
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("told", ["172.17.0.1", "172.17.0.0/16"])
def test_on_linux_containers_reach_the_bridge(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path, "Debian GNU/Linux", bridge=told))

    assert sam_local.hosts() == ("172.17.0.1", "172.17.0.1")


def test_containers_of_docker_desktop_have_a_name_for_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path, "Docker Desktop"))

    assert sam_local.hosts() == ("127.0.0.1", "host.docker.internal")


def test_without_docker_it_says_what_to_do_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="make run RUNTIME=lambda"):
        sam_local.hosts()

    monkeypatch.setenv("PATH", docker(tmp_path, "", code=1))
    with pytest.raises(RunError, match="Docker does not answer"):
        sam_local.hosts()


def test_no_container_of_ours_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$*" >> {said}\n[ $1 = ps ] && printf "c1\\nc2\\n"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    template = Template.load(PROJECT / "template.yaml")

    sam_local.remove_containers(template)

    asked, removed = said.read_text().splitlines()
    assert all(f"--filter=volume={each.code_dir}" in asked for each in template.functions())
    assert removed == "rm --force c1 c2"
