import html
import json
import re
import shutil
import subprocess

import pytest

from infra.report_page import page
from tests.unit.test_infra_report import VERSION, facts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--allow-file-access-from-files"),
    # What a page says to its console is printed, to stderr.
    *("--enable-logging=stderr", "--v=0"),
)
# A window cannot be as narrow as a phone everywhere, a frame can.
PHONE = """<!DOCTYPE html>
<iframe src="report.html" width="400" height="800" style="border:0"></iframe>
<pre id="told"></pre><script>addEventListener("load", () => {
const frame = document.querySelector("iframe"), page = frame.contentDocument;
const wide = page.documentElement, wider = [...page.querySelectorAll("svg text, h1, p, dd")]
  .filter(each => each.getBoundingClientRect().right > wide.clientWidth + 1);
document.getElementById("told").textContent = JSON.stringify({
title: page.title, shown: wide.clientWidth, needed: wide.scrollWidth,
charts: page.querySelectorAll("svg").length, wider: wider.map(each => each.textContent),
loaded: frame.contentWindow.performance.getEntriesByType("resource").map(each => each.name)})})
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed to look at the page with")
def test_a_browser_shows_the_page_on_a_phone_without_complaints(tmp_path):
    (tmp_path / "report.html").write_text(page(facts()), encoding="utf-8")
    (tmp_path / "phone.html").write_text(PHONE)
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    address = (tmp_path / "phone.html").as_uri()
    done = subprocess.run(
        [CHROMIUM, *QUIET, profile, "--window-size=1200,900", "--dump-dom", address],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    told = json.loads(html.unescape(re.search(r'id="told">([^<]*)<', done.stdout)[1]))
    assert told["title"] == f"Lead scoring: model {VERSION}"
    assert told["charts"] == 11
    assert 380 <= told["shown"] <= 400
    assert told["needed"] <= told["shown"]
    assert told["wider"] == []
    assert told["loaded"] == []
    assert "CONSOLE" not in done.stderr
