"""What a test reads out of a page."""

import base64
import io
from html.parser import HTMLParser

from PIL import Image


class Reader(HTMLParser):
    """Addresses, images and tables of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.images: list[dict[str, str]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[key] for key in ("src", "href", "srcset", "action", "data", "poster") if key in given]
        if tag == "img":
            self.images.append(given)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] += data

    def row(self, *starts: str) -> list[str]:
        """The first row whose cells begin with these words, white space made single."""
        for row in self.rows:
            cells = [" ".join(cell.split()) for cell in row]
            if cells[: len(starts)] == list(starts):
                return cells
        raise AssertionError(f"no row {starts}")


def decoded(uri: str) -> tuple[str, bytes]:
    """Kind and content of a data URI."""
    head, content = uri.split(",", 1)
    assert head.startswith("data:") and head.endswith(";base64")
    return head[5:-7], base64.b64decode(content)


def opened(image: dict[str, str]) -> Image.Image:
    """A raster image of a page."""
    return Image.open(io.BytesIO(decoded(image["src"])[1]))
