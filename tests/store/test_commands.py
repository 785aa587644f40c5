import numpy as np
import pytest
from typer.testing import CliRunner

from cdmer.errors import CdmerError
from cdmer.store.commands import store_app
from cdmer.store.feature_store import FeatureStore

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path, provenance):
    path = tmp_path / "features" / "lbp_top_r3p8" / "casme2.h5"
    FeatureStore.write(
        path,
        np.ones((3, 7)),
        ["a", "b", "c"],
        ["1", "1", "2"],
        ["fear", "fear", "joy"],
        provenance=provenance,
        excluded=[("d", "2", "faces", "no face in [frame 3]")],
    )
    return path.parents[1]


def test_ls(folder):
    (folder / "lbp_top_r3p8" / "samm.h5").write_text("damaged")
    (folder / "lbp_top_r3p8" / "gone.h5").symlink_to("nowhere")
    lines = RUN.invoke(store_app, ["ls", str(folder)], catch_exceptions=False).stdout.splitlines()
    (intact,) = [line.split("│") for line in lines if "casme2" in line]
    assert [cell.strip() for cell in intact[1:6]] == ["lbp_top_r3p8", "casme2", "3", "7", "float32"]
    for name in ("samm", "gone"):
        assert any(name in line and "damaged" in line for line in lines)


def test_ls_of_nothing(tmp_path):
    with pytest.raises(CdmerError, match="no feature store there"):
        RUN.invoke(store_app, ["ls", str(tmp_path)], catch_exceptions=False)


def test_show(folder):
    path = folder / "lbp_top_r3p8" / "casme2.h5"
    text = RUN.invoke(store_app, ["show", str(path)], catch_exceptions=False).stdout
    assert "fear 2, joy 1" in text
    assert '"radius": 3' in text
    assert "excluded: d (subject 2) by faces: no face in [frame 3]" in text
    assert ["subjects", "2"] in [line.split() for line in text.splitlines()]


def test_verify(folder, tmp_path):
    path = folder / "lbp_top_r3p8" / "casme2.h5"
    intact = RUN.invoke(store_app, ["verify", str(path)], catch_exceptions=False)
    assert (intact.exit_code, intact.stdout) == (0, f"{path}: intact\n")
    cut = tmp_path / "cut.h5"
    cut.write_bytes(path.read_bytes()[:-5])
    both = RUN.invoke(store_app, ["verify", str(cut), str(path)], catch_exceptions=False)
    assert both.exit_code == 1
    assert both.stdout.splitlines()[0].startswith(f"{cut}: not a whole HDF5 file")
    assert both.stdout.splitlines()[1] == f"{path}: intact"


def test_export_and_import(folder, tmp_path):
    path = folder / "lbp_top_r3p8" / "casme2.h5"
    out, back = tmp_path / "s.npz", tmp_path / "back.h5"
    assert RUN.invoke(store_app, ["export", str(path), str(out)], catch_exceptions=False).stdout == f"{out}\n"
    assert "3 rows of 7" in RUN.invoke(store_app, ["import", str(out), str(back)], catch_exceptions=False).stdout
    assert FeatureStore(back).load().emotion.tolist() == ["fear", "fear", "joy"]
    content = out.read_bytes()
    with pytest.raises(CdmerError, match=r"s\.npz is no name of a feature store"):
        RUN.invoke(store_app, ["import", str(out), str(out)], catch_exceptions=False)
    assert out.read_bytes() == content


def test_a_file_of_something_else_is_not_to_be_deleted(tmp_path):
    (tmp_path / "README.md").write_text("# my own")
    for name, words in (("README.md", "give the path of a feature store; if"), ("", "is a folder, no feature store")):
        with pytest.raises(CdmerError) as caught:
            FeatureStore(tmp_path / name).load()
        assert words in str(caught.value)


def test_import_of_a_release(real, tmp_path):
    source = real / "cdmer_lbptop_112" / "CrossCorpus_LBPTOP_R3P8_SMIC_VIS_112by112.mat"
    store = tmp_path / "s.h5"
    arguments = ["import", str(source), str(store), "--order", "released", "--database", "vis"]
    assert "71 rows of 15045" in RUN.invoke(store_app, arguments, catch_exceptions=False).stdout
    assert FeatureStore(store).provenance["database"] == "vis"
    assert FeatureStore(store).provenance["recipe"]["imported"]["order"] == "released"
    text = RUN.invoke(store_app, ["show", str(store)], catch_exceptions=False).stdout
    assert "negative 23, positive 28, surprise 20" in text
