import re
import subprocess
import sys

import pytest

from .http_client import HttpClient


def test_the_description_is_served_with_the_path_that_it_was_called_by(client: HttpClient) -> None:
    answer = client.get("/openapi.json")

    assert answer.status == 200
    assert answer.body["openapi"] == "3.1.1"
    assert answer.body["servers"] == [{"url": "/api/v1/ml"}]


def test_the_page_and_all_that_it_is_made_of_come_from_here(client: HttpClient) -> None:
    page = client.get("/docs")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) == 5
    for part in parts:
        assert "//" not in part
        if part.startswith("docs/"):
            assert client.get(f"/{part}").status == 200
    assert "http" not in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [
        ("swagger-ui-bundle.js", "text/javascript", "/*!"),
        ("swagger-ui.css", "text/css", ".swagger-ui"),
        ("start.js", "text/javascript", "SwaggerUIBundle("),
    ],
)
def test_parts_have_their_types(client: HttpClient, name: str, kind: str, begins: str) -> None:
    answer = client.get(f"/docs/{name}")

    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer.text.startswith(begins)
    assert len(answer.text) < 6_000_000


@pytest.mark.parametrize("name", ["index.html", "..%2F__init__.py", "app.py", "%2Fetc%2Fpasswd"])
def test_nothing_else_is_served(client: HttpClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status == 404


def test_unknown_parameters_are_refused(client: HttpClient) -> None:
    assert client.get("/openapi.json?x=1").status == 422
    assert client.get("/docs?x=1").status == 422


def test_it_needs_no_setting_and_no_library_that_only_others_need() -> None:
    code = (
        "import sys; sys.path.insert(0, 'functions/docs'); import app\n"
        "from lead_scoring.api.docs_page import asset\n"
        "asset('swagger-ui.css')\n"
        "print(sorted({'numpy', 'botocore', 'pynamodb', 'flask'} & sys.modules.keys()))"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
