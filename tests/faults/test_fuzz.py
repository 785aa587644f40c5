"""Inputs that lie: whatever a file holds, a reader gives a result or an error of ours, and soon.

Files are mutated at random from sound ones; tables and configurations are made up by hypothesis. Every example is the
same in every run.
"""

import csv
import io
import json

import numpy as np
import openpyxl
import pytest
import scipy.io
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cdmer.config.files import load_config
from cdmer.config.reading import read_config
from cdmer.databases.reading import read_entries
from cdmer.databases.recording import read_image
from cdmer.databases.spreadsheet import read_tables
from cdmer.databases.video import count_video, read_video
from cdmer.errors import CdmerError
from cdmer.store.exporting import export, import_table
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import import_released
from cdmer.store.released_flow import import_flow_images
from cdmer.store.shard import read_shard, write_shard

quickly = settings(
    max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@st.composite
def damage(draw):
    """What happens to a file: bytes overwritten, a part cut out, the end cut off, or a part doubled."""
    return [
        (
            draw(st.sampled_from(["set", "cut", "end", "twice", "zero"])),
            draw(st.floats(0, 1, exclude_max=True)),
            draw(st.integers(1, 64)),
            draw(st.integers(0, 255)),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]


def damaged(data, changes):
    data = bytearray(data)
    for kind, where, length, value in changes:
        start = int(where * len(data))
        part = data[start : start + length]
        if kind == "set":
            data[start : start + len(part)] = bytes([value]) * len(part)
        elif kind == "zero":
            data[start : start + 8 * length] = bytes(len(data[start : start + 8 * length]))
        elif kind == "cut":
            del data[start : start + length]
        elif kind == "twice":
            data[start:start] = part
        else:
            del data[start:]
    return bytes(data)


def workbook():
    book = openpyxl.Workbook()
    book.active.append(["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion"])
    for number in range(12):
        book.active.append([number, f"EP{number:02d}_01", 46, 59, 86, "happiness"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def matlab():
    X = np.full((4, 255 * 15), 1 / 15)
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"CASME_feature": X, "CASME_label": [[1.0], [2], [3], [1]]}, do_compression=True)
    return buffer.getvalue()


def flow_archive():
    buffer = io.BytesIO()
    words = {name: np.array(["casme2"] * 3) for name in ("subject", "dataset", "clip")}
    np.savez_compressed(buffer, bgr=np.zeros((3, 8, 8, 3), np.uint8), label=np.arange(3), **words)
    return buffer.getvalue()


def feature_store(folder):
    path = folder / "sound.h5"
    provenance = {"feature": "f", "database": "casme2", "recipe": {}, "code_digest": "c"}
    X = np.random.default_rng(0).random((6, 40), np.float32)
    return FeatureStore.write(path, X, [f"c{i}" for i in range(6)], ["s"] * 6, ["fear"] * 6, provenance=provenance)


def clip_shard(folder):
    path = folder / "clips.h5"
    with write_shard(path, {"stage": "faces"}) as shard:
        shard.add("one", np.zeros((3, 8, 8), np.uint8), box=np.arange(5.0), apex=None)
    return path


def picture(kind):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def read_store(path):
    store = FeatureStore(path)
    store.verify()
    return store.load(), store.provenance, store.excluded


def read_clips(path):
    shard = read_shard(path)
    shard.verify()
    return [record.frames for record in shard], shard.excluded


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Sound files, and what reads them."""
    folder = tmp_path_factory.mktemp("sound")
    store = feature_store(folder)
    archive = export(store, folder / "store.npz")
    out = folder / "out.h5"
    return {
        "sheet.xlsx": (workbook(), lambda path: [table.rows(["Subject"]) for table in read_tables(path, "Subject")]),
        "release.mat": (matlab(), lambda path: import_released(path, out, feature="f", database="casme2")),
        "flows.npz": (flow_archive(), lambda path: import_flow_images(path, out, database="casme2")),
        "store.npz": (archive.read_bytes(), lambda path: import_table(path, out)),
        "store.h5": (store.path.read_bytes(), read_store),
        "clips.h5": (clip_shard(folder).read_bytes(), read_clips),
        "frame.png": (picture("PNG"), read_image),
        "frame.jpg": (picture("JPEG"), read_image),
        "frame.bmp": (picture("BMP"), read_image),
        "frame.tif": (picture("TIFF"), read_image),
    }


@pytest.mark.parametrize(
    "name",
    ["sheet.xlsx", "release.mat", "flows.npz", "store.npz", "store.h5", "clips.h5"]
    + [f"frame.{suffix}" for suffix in ("png", "jpg", "bmp", "tif")],
)
def test_a_damaged_file_is_read_or_refused_in_our_words(sound, tmp_path_factory, name):
    data, read = sound[name]
    path = tmp_path_factory.mktemp("damaged") / name
    refused = []

    @quickly
    @given(damage())
    def attempt(changes):
        path.write_bytes(damaged(data, changes))
        try:
            read(path)
        except CdmerError as error:
            assert name in error.problem and error.remedy
            refused.append(error)

    attempt()
    path.write_bytes(data[: len(data) // 2])
    if name != "frame.bmp":
        with pytest.raises(CdmerError):  # half of it is never enough
            read(path)
            assert name.endswith(".h5") and not read(path)
    assert len(refused) > 5


# -- tables of clips --------------------------------------------------------------------------------------------------

cell = st.one_of(
    st.sampled_from(
        ["", "1", "46.0", "-3", "1e400", "nan", "9" * 25, "9" * 5000, "../../etc", "/etc/passwd", "~nobody/x", "a,b",
         '"', "a; rm -rf x", "$(touch x)", "\0", "\ud7ff", "s1", "frames", "x" * 300, "I", "VIII", "=1+1"]
    ),
    st.text(max_size=12),
)  # fmt: skip
columns = st.lists(
    st.sampled_from(
        ["clip", "subject", "path", "onset", "apex", "offset", "fps", "emotion", "objective_class", "action_units"]
    ),
    max_size=10,
)


@settings(quickly, max_examples=60)
@given(header=columns, whole=st.booleans(), rows=st.lists(st.lists(cell, max_size=11), max_size=4))
def test_any_table_of_clips_is_read_or_refused_in_our_words(tmp_path_factory, header, whole, rows):
    folder = tmp_path_factory.mktemp("table")
    (folder / "frames").mkdir()
    Image.new("L", (8, 8)).save(folder / "frames" / "img1.png")
    header = ["clip", "subject", "path", "fps", "onset", "offset"] if whole else header
    if whole:
        rows = [["c", "s1", "frames", "25", *row] for row in rows]
    with open(folder / "clips.csv", "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    try:
        entries = read_entries("clips", folder / "clips.csv")
    except CdmerError as error:
        assert error.remedy
    else:
        assert all(entry.path.exists() and entry.subject for entry in entries)


@settings(quickly, max_examples=25)
@given(rows=st.lists(st.lists(st.one_of(cell, st.integers(), st.floats(), st.booleans()), max_size=7), max_size=4))
def test_any_coding_spreadsheet_is_read_or_refused_in_our_words(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("casme2")
    (folder / "root" / "sub01" / "EP01").mkdir(parents=True)
    Image.new("L", (8, 8)).save(folder / "root" / "sub01" / "EP01" / "img1.jpg")
    book = openpyxl.Workbook()
    titles = "Subject Filename OnsetFrame ApexFrame OffsetFrame|Action Units|Estimated Emotion"
    book.active.append([*titles.split("|", maxsplit=1)[0].split(), *titles.split("|")[1:]])
    for row in rows:
        book.active.append([_cell(value) for value in row])
    book.save(folder / "root" / "CASME2-coding-1.xlsx")
    try:
        entries = read_entries("casme2", folder / "root")
    except CdmerError as error:
        assert error.remedy
    else:
        inside = (folder / "root").resolve()
        assert all(entry.path.resolve().is_relative_to(inside) for entry in entries)


def _cell(value):
    """What a workbook can hold of a value."""
    if isinstance(value, str):
        return "".join(letter for letter in value if letter.isprintable())
    return None if isinstance(value, float) and not np.isfinite(value) else value


# -- configurations ---------------------------------------------------------------------------------------------------

KEYS = ["databases", "models", "features", "faces", "frames", "protocols", "rounds", "model_settings", "SVM", "casme2"]
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(KEYS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(quickly, max_examples=50)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), values, max_size=4))
def test_any_configuration_is_taken_or_refused_in_our_words(raw):
    try:
        read_config(raw)
    except CdmerError as error:
        assert len(str(error)) < 20_000


def test_text_that_is_no_configuration_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)
    )
    for text in (
        "a: [", "- 1", "7", "{1: 2}", "a: !!python/object/apply:os.system [touch pwned]", "\t", "a: b: c",
        "[" * 4000, bomb, "models: [SVM]\nmodels: {x: 1}\n", "cohort: 2001-13-77",
    ):  # fmt: skip
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(CdmerError):
            load_config()
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CdmerError):
        load_config()
    assert not (tmp_path / "pwned").exists()
    (tmp_path / "config.yaml").write_text("models: [SVM]\nnetworks: {seed: 3}\n")
    (tmp_path / "more.yaml").write_text("networks: {keep_weights: 2}\n")
    config = load_config(["more.yaml"])
    assert (config.models, config.networks.seed, config.networks.keep_weights) == (["SVM"], 3, 2)
    assert json.loads(json.dumps(yaml.safe_load("a: 1"))) == {"a": 1}


def test_no_video_is_refused(tmp_path):
    path = tmp_path / "clip.avi"
    for data in (b"", b"RIFF" + bytes(200), b"\0" * 5000):
        path.write_bytes(data)
        for read in (count_video, lambda file: read_video(file, 1, 3)):
            with pytest.raises(CdmerError, match=r"clip\.avi"):
                read(path)
