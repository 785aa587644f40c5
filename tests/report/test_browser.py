"""The page in a browser, where there is one: no error, every image, tables that sort."""

import html
import json
import re
import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# what a person would do, and what he would see
CLICKS = """<script>
addEventListener("load", () => {
const seen = { images: [...document.images].map((i) => i.complete && i.naturalWidth > 0 && i.naturalHeight > 0) };
const table = document.querySelector("table.scores");
const rows = () => [...table.tBodies[0].rows];
const column = (number) => rows().map(({ cells }) => cells[number].dataset.v ?? cells[number].textContent);
const press = (number) => { table.tHead.rows[0].cells[number].click(); return column(number); };
seen.unsorted = column(2);
seen.falling = press(2);
seen.rising = press(2);
seen.words = press(0);
seen.sorted = table.tHead.rows[0].cells[0].getAttribute("aria-sort");
table.tHead.rows[0].cells[2].dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
seen.byKey = column(2);
document.querySelector(".choose input[value=oracle]").click();
seen.visible = rows().filter((row) => row.offsetParent !== null).map((row) => row.cells[1].textContent);
seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
parent.postMessage(JSON.stringify(seen), "*");
});
</script>"""
# a window narrower than 500 pixels exists only inside another
FRAME = """<pre id="seen"></pre><script>
onmessage = (event) => { document.getElementById("seen").textContent = event.data; };
</script><iframe src="page.html" style="width: %dpx; height: 900px; border: 0"></iframe>"""


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser on this machine ({', '.join(BROWSERS)})")
    return found


@pytest.fixture(scope="session")
def visit(browser, page, tmp_path_factory):
    """The page opened at a width: what was seen, and what the console said."""

    def open_at(width):
        folder = tmp_path_factory.mktemp("visit")
        (folder / "page.html").write_text(page.replace("</body>", f"{CLICKS}</body>"), encoding="utf-8")
        (folder / "frame.html").write_text(FRAME % width, encoding="utf-8")
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--enable-logging=stderr", "--v=0", "--window-size=1600,1000", f"--user-data-dir={folder}/user"),
                *("--virtual-time-budget=5000", "--dump-dom", f"file://{folder}/frame.html"),
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        seen = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, flags=re.DOTALL).group(1)
        return json.loads(html.unescape(seen)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return open_at


@pytest.mark.slow
def test_a_desktop_reads_and_sorts_it(visit):
    seen, console = visit(1400)
    assert console == []
    assert len(seen["images"]) > 10 and all(seen["images"])
    numbers = [float(value) for value in seen["unsorted"]]
    assert [float(value) for value in seen["falling"]] == sorted(numbers, reverse=True) != numbers
    assert [float(value) for value in seen["rising"]] == sorted(numbers)
    assert seen["words"] == sorted(seen["words"], key=str.lower) and seen["sorted"] == "ascending"
    assert [float(value) for value in seen["byKey"]] == sorted(numbers, reverse=True)
    assert set(seen["visible"]) == {"default"}


@pytest.mark.slow
def test_a_phone_scrolls_tables_not_the_page(visit):
    seen, console = visit(400)
    assert console == []
    assert seen["wide"] <= 0
