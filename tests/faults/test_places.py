"""No name and no link leads out of a database; what is written has the user's umask; nothing that is data is run."""

import ast
import re
import stat
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from PIL import Image

from cdmer.config.reading import read_config
from cdmer.databases.reading import census, find_folder, is_one_name, read_entries
from cdmer.errors import CdmerError

SOURCE = Path(__file__).resolve().parents[2]


@pytest.fixture
def casme2(tmp_path):
    """CASME II of two clips, and beside it a folder that is none of its business."""

    def make(filename="EP01"):
        root = tmp_path / "CASME2_RAW_selected"
        for folder in (root / "sub01" / "EP01", root / "sub01" / "EP02", tmp_path / "secret"):
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(1, 5):
                Image.new("L", (8, 8)).save(folder / f"img{number}.jpg")
        book = openpyxl.Workbook()
        book.active.append(
            ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"]
        )
        book.active.append([1, filename, 1, 2, 4, "4", "disgust"])
        book.save(root / "CASME2-coding-20140508.xlsx")
        return root

    return make


@pytest.mark.parametrize("name", ["../../secret", "..", ".", "/etc", "EP01/../../../secret", "a\\..\\b", "x" * 300])
def test_a_clip_s_name_leads_nowhere_else(casme2, tmp_path, name):
    root = casme2(name if name != "/etc" else str(tmp_path / "secret"))
    with pytest.raises(CdmerError, match="row 2"):
        read_entries("casme2", root)
    assert find_folder(root / "sub01", name) is None and not is_one_name(name)


def test_a_link_leads_nowhere_else(casme2, tmp_path):
    root = casme2("EP03")
    (root / "sub01" / "EP03").symlink_to(tmp_path / "secret")
    with pytest.raises(CdmerError, match="lies outside the database"):
        read_entries("casme2", root)
    (root / "sub01" / "EP03").unlink()
    (root / "sub01" / "EP03").symlink_to("EP02")  # inside: it is the laboratory's own business
    assert [entry.clip for entry in read_entries("casme2", root)] == ["sub01/EP03"]
    assert list(census("casme2", root)) == ["sub01"]
    frame = root / "sub01" / "EP02" / "img2.jpg"
    frame.unlink()
    frame.symlink_to(tmp_path / "secret" / "img2.jpg")
    with pytest.raises(CdmerError, match="link out of the database"):
        census("casme2", root)


def test_a_root_that_is_a_link_itself_is_read(casme2, tmp_path):
    (tmp_path / "linked").symlink_to(casme2("EP02"))
    assert [entry.clip for entry in read_entries("casme2", tmp_path / "linked")] == ["sub01/EP02"]
    assert list(census("casme2", tmp_path / "linked")) == ["sub01"]


@pytest.mark.parametrize("key", ["databases", "faces", "frames", "features", "interpolators"])
@pytest.mark.parametrize("name", ["a; rm -rf x", "$(touch x)", "../up", "a b", "`id`", "-rf", "a\nb", "a/b", "é"])
def test_a_name_in_the_configuration_that_a_shell_could_misread_is_refused(key, name):
    with pytest.raises(CdmerError, match=key):
        read_config({key: {name: {}}})


def test_words_of_rules_that_a_user_chooses_freely_are_quoted():
    """A setting, and the path of a release, are free text; other words are made of names that were checked above."""
    checked = re.compile(
        r"log|output(\.\w+)?|input(\.\w+)?|wildcards\.\w+|resources\.on_missing_face"
        r"|params\.(code|clips|planned|folder|checkpoint|compression|on_missing_face)"
    )
    words = []
    for rules in sorted((SOURCE / "rules").glob("*.smk")):
        for block in re.split(r"^(?=rule )", rules.read_text(encoding="utf-8"), flags=re.MULTILINE):
            shell = block.partition("shell:")[2]
            words += re.findall(r"\{([a-z_.]+(?::q)?)\}", shell)
            if "released_file" in block:
                assert "{input:q}" in shell and "{input}" not in shell
    assert len(words) > 80 and words.count("params.settings:q") > 10
    for word in words:
        assert word.endswith(":q") or checked.fullmatch(word), f"{{{word}}} is not quoted"


def test_what_is_data_is_never_run():
    """No unpickling, no evaluation, no shell: torch reads weights alone, numpy arrays alone, YAML plain values."""
    calls = 0
    for path in sorted([*(SOURCE / "src").rglob("*.py"), *(SOURCE / "benchmarks").glob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                assert not {"pickle", "dill", "shelve", "marshal", "joblib"} & set(names), path
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called == "torch.load":
                calls += 1
                assert given.get("weights_only") == "True", f"{path}:{node.lineno}"
            assert given.get("allow_pickle", "False") == "False", f"{path}:{node.lineno}"
            assert given.get("shell", "False") == "False", f"{path}:{node.lineno}"
            assert called not in {"eval", "exec", "os.system", "yaml.load", "pandas.read_pickle", "pd.read_pickle"}
    assert calls >= 3  # those that are there were looked at


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022])
def test_files_have_the_user_s_umask(tmp_path, umask):
    code = (
        "import numpy as np, os, sys\n"
        "from cdmer.files import write_text\n"
        "from cdmer.store.feature_store import FeatureStore\n"
        "from cdmer.study.layout import lay_out\n"
        "os.umask(int(sys.argv[1]))\n"
        "write_text('results/table.csv', 'a')\n"
        "FeatureStore.write('results/f/x.h5', np.ones((1, 2)), ['c'], ['s'], ['fear'],"
        " provenance={'feature': 'f', 'database': 'd', 'recipe': {}, 'code_digest': 'c'})\n"
        "lay_out('mine')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(umask)], cwd=tmp_path, check=True)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) > 6
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask, path
    assert stat.S_IMODE((tmp_path / "results").stat().st_mode) == 0o777 & ~umask
