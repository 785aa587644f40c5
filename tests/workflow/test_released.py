"""The six experiments that the released features carry: published numbers, from files to table."""

import pandas as pd
import pytest

from .conftest import TABLE, Workflow

# TGSR, Tables II and III, row SVM: UF1 and accuracy
PUBLISHED = {
    "V->N": (0.6186, 0.6338),
    "N->V": (0.6078, 0.6338),
    "C->V": (0.4701, 0.5070),
    "V->C": (0.5367, 0.5308),
    "C->N": (0.5295, 0.5211),
    "N->C": (0.2368, 0.2385),
}


@pytest.fixture(scope="module", params=["blocks", "released"])
def table(request, real, repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    shipped = (repository / "workflow/configs/released-features.yaml").read_text()
    (folder / "config.yaml").write_text(
        shipped.replace("order: blocks}", f"order: {request.param}}}") + f"imported_from: {real / 'cdmer_lbptop_112'}\n"
    )
    Workflow(folder, repository).run(TABLE)
    return folder / TABLE


def test_the_published_row_comes_back_to_the_last_digit(table):
    rows = pd.read_csv(table).set_index("experiment")
    assert list(rows.index) == list(PUBLISHED)
    for name, (uf1, accuracy) in PUBLISHED.items():
        assert round(rows.at[name, "uf1"], 4) == uf1 == rows.at[name, "published_uf1"]
        assert round(rows.at[name, "accuracy"], 4) == accuracy == rows.at[name, "published_accuracy"]


def test_what_is_not_there_is_left_out_by_name_and_with_the_reason(table):
    text = table.with_suffix(".md").read_text()
    for name in ("H->V", "V->H", "H->N", "N->H", "C->H", "H->C"):
        assert f"{name} (SVM)" in text
    assert "no database smic_hs" in text
    assert "synthetic" not in text


def test_error_bars_say_what_they_were_drawn_over(table):
    rows = pd.read_csv(table)
    assert set(rows["interval_over"]) == {"clips"}
    assert set(rows["data"]) == {"released"}
    assert (rows["uf1_low"] < rows["uf1"]).all()
    assert (rows["uf1"] < rows["uf1_high"]).all()
