"""Files that are small on disk and declare to be enormous: refused by what they declare, in bounded memory.

Each is read by a process of its own that may take no more than a gigabyte beyond what importing its libraries took.
"""

import re
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib

import h5py
import numpy as np
import openpyxl
import pytest
import scipy.io

from cdmer.errors import CdmerError
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import import_released

TRY = """
import resource, sys
from cdmer.errors import CdmerError
{imports}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = sys.argv[1]
try:
    {read}
except CdmerError as error:
    print(error)
    print("MB", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // 1024)
else:
    print("read without a word")
"""
READERS = {
    "xlsx": ("from pathlib import Path; from cdmer.databases.spreadsheet import read_tables",
             "read_tables(Path(path), 'Subject')"),
    "png": ("from cdmer.databases.recording import read_image", "read_image(path)"),
    "h5": ("from cdmer.store.feature_store import FeatureStore", "FeatureStore(path).load()"),
    "mat": ("from cdmer.store.released import import_released",
            "import_released(path, path + '.out', feature='f', database='casme2')"),
    "npz": ("from cdmer.store.released_flow import import_flow_images", "import_flow_images(path, path + '.out')"),
}  # fmt: skip


def read(path):
    imports, call = READERS[path.suffix[1:]]
    command = [sys.executable, "-c", TRY.format(imports=imports, read=call), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "MB" in done.stdout, done.stdout
    words, _, size = done.stdout.rpartition("MB")
    assert int(size) < 1024
    return words


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_png_of_60000_by_60000(tmp_path):
    path = tmp_path / "frame1.png"
    row = bytes(60001)
    squeeze = zlib.compressobj(9)
    data = b"".join(squeeze.compress(row) for _ in range(200)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    assert "frame1.png" in read(path)
    header = struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)  # below the bounds of Pillow
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    assert "an image of 9000 x 9000" in read(path)


@pytest.fixture
def sheet(tmp_path):
    """A function that writes a workbook whose one sheet is the XML given."""
    sound = tmp_path / "sound.xlsx"
    openpyxl.Workbook().save(sound)

    def write(content):
        path = tmp_path / "coding.xlsx"
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if name != "xl/worksheets/sheet1.xml":
                    new.writestr(name, old.read(name))
            with new.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
                for part in content:
                    file.write(part.encode())
        return path

    return write


HEAD = '<?xml version="1.0"?>{}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = "</sheetData></worksheet>"


def test_spreadsheets_that_unpack_without_end(sheet):
    filler = " " * (1 << 20)
    assert "unpacks to 300 MB" in read(sheet([HEAD.format(""), *[filler] * 300, TAIL]))
    far = '<row r="{}"><c r="A{}" t="inlineStr"><is><t>x</t></is></c></row>'
    assert "rows" in read(sheet([HEAD.format(""), far.format(999999999999, 999999999999), TAIL]))
    wide = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 20001))
    assert "more than 2000000 cells" in read(sheet([HEAD.format(""), wide, TAIL]))
    half = sheet([HEAD.format(""), wide[: wide.index('<row r="11"')], TAIL])
    entry = '<sheet name="s{0}" sheetId="{0}" r:id="rId1" xmlns:r="http://schemas.openxmlformats.org/{1}"/>'
    with_many = half.with_name("many.xlsx")
    with zipfile.ZipFile(half) as old, zipfile.ZipFile(with_many, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/workbook.xml":  # one part on disk, three hundred sheets
                sheets = "".join(entry.format(n, "officeDocument/2006/relationships") for n in range(1, 301))
                data = re.sub(rb"<sheets>.*</sheets>", b"<sheets>" + sheets.encode() + b"</sheets>", data)
            new.writestr(name, data)
    assert "as far as sheet 's13'" in read(with_many)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    entities = f'<!DOCTYPE x [<!ENTITY l0 "{"ha" * 20}">{laughs}]>'
    said = read(sheet([HEAD.format(entities), '<row r="1"><c r="A1" t="str"><v>&l11;</v></c></row>', TAIL]))
    assert "coding.xlsx" in said


def test_an_hdf5_that_declares_a_terabyte(tmp_path):
    provenance = {"feature": "f", "database": "casme2", "recipe": {}, "code_digest": "c"}
    path = tmp_path / "store.h5"
    FeatureStore.write(path, np.ones((3, 4), np.float32), list("abc"), list("sss"), ["fear"] * 3, provenance=provenance)
    for shape in ((3, 1 << 37), (1 << 31, 128)):
        with h5py.File(path, "r+") as file:
            attributes = dict(file["X"].attrs)
            del file["X"]
            X = file.create_dataset("X", shape, "<f4", chunks=(1, 1 << 20) if shape[0] == 3 else (1 << 16, 128))
            X.attrs.update(attributes)
        assert re.search(r"X of \(.*\) holds 0 of its \d+ chunks", read(path))
    with h5py.File(path, "r+") as file:
        del file["clip"]
        file.create_dataset("clip", (1 << 40,), "S1", chunks=(1 << 20,))
    assert "damaged" in read(path)


@pytest.fixture
def store(tmp_path):
    provenance = {"feature": "f", "database": "casme2", "recipe": {}, "code_digest": "c"}
    path = tmp_path / "store.h5"
    FeatureStore.write(path, np.ones((3, 4), np.float32), list("abc"), list("sss"), ["fear"] * 3, provenance=provenance)
    return path


def replaced(path, how):
    """The store's X, in other files: its attributes stay."""
    with h5py.File(path, "r+") as file:
        attributes, shape = dict(file["X"].attrs), file["X"].shape
        del file["X"]
        how(file, shape)
        if file.get("X", getclass=True, getlink=True) is h5py.HardLink:
            file["X"].attrs.update(attributes)


def test_a_store_shows_no_file_but_itself(store, tmp_path):
    """HDF5 can read a dataset's bytes from any file that it names, and a name can stand for one in another file."""
    secret, other = tmp_path / "secret", tmp_path / "other.h5"
    secret.write_bytes(b"secret" * 100)
    shutil.copy(store, other)

    def external(file, shape):
        file.create_dataset("X", shape, "<f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    def virtual(file, shape):
        layout = h5py.VirtualLayout(shape, "<f4")
        layout[:] = h5py.VirtualSource(str(other), "X", shape)
        file.create_virtual_dataset("X", layout)

    def link(file, _):
        file["X"] = h5py.ExternalLink(str(other), "/X")

    for how, words in ((external, "other files"), (virtual, "other files"), (link, "X is a link")):
        replaced(store, how)
        with pytest.raises(CdmerError, match=words):
            FeatureStore(store).load()
        assert any(words in line for line in verified(store))


def verified(path):
    try:
        return FeatureStore(path).verify()
    except CdmerError as error:
        return [str(error)]


def test_a_release_shows_no_file_but_itself(tmp_path):
    path, other = tmp_path / "release.mat", tmp_path / "other.mat"
    with h5py.File(other, "w") as file:
        file["X"] = np.ones((15045, 3))
    with h5py.File(path, "w") as file:
        file["CASME_feature"] = h5py.ExternalLink(str(other), "/X")
        file["CASME_label"] = np.ones((1, 3))
    with pytest.raises(CdmerError, match="CASME_feature is a link"):
        import_released(path, tmp_path / "out.h5", feature="f", database="casme2")


def test_releases_that_declare_a_terabyte(tmp_path):
    path = tmp_path / "release.mat"
    with h5py.File(path, "w") as file:
        file.create_dataset("CASME_feature", (15045, 1 << 26), "f8", chunks=(15045, 16))
        file["CASME_label"] = np.ones((1, 3))
    assert "holds 0 of its" in read(path)
    scipy.io.savemat(path, {"CASME_feature": np.zeros((40, 60000)), "CASME_label": [[1.0]]}, do_compression=False)
    data = bytearray(path.read_bytes())
    place = data.find(struct.pack("<ii", 40, 60000))
    data[place : place + 8] = struct.pack("<ii", 2000000000, 60000)
    path.write_bytes(data)
    assert "release.mat" in read(path)
    archive = tmp_path / "flows.npz"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("bgr", "label", "subject", "dataset", "clip"):
            header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }"
            header += " " * (117 - len(header)) + "\n"
            file.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    assert "flows.npz" in read(archive)
