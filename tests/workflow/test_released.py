"""The six experiments that the released features carry: published numbers, from files to table."""

import pandas as pd
import pytest

from .conftest import TABLE, Workflow

# TGSR, Tables II and III: UF1 and accuracy
PUBLISHED = {
    ("SVM", "default"): {
        "V->N": (0.6186, 0.6338),
        "N->V": (0.6078, 0.6338),
        "C->V": (0.4701, 0.5070),
        "V->C": (0.5367, 0.5308),
        "C->N": (0.5295, 0.5211),
        "N->C": (0.2368, 0.2385),
    },
    ("TCA", "oracle"): {
        "V->N": (0.5810, 0.6197),
        "N->V": (0.6598, 0.6761),
        "C->V": (0.6834, 0.6901),
        "V->C": (0.5789, 0.5923),
        "C->N": (0.4992, 0.5070),
        "N->C": (0.3937, 0.4231),
    },
    ("TGSR@released", "oracle"): {
        "V->N": (0.6984, 0.7042),
        "N->V": (0.8403, 0.8451),
        "C->V": (0.5906, 0.5915),
        "V->C": (0.6403, 0.6385),
        "N->C": (0.4474, 0.4846),
    },
}


ORDERS = ["blocks", "released"]


@pytest.fixture(
    scope="module",
    params=[pytest.param(order, marks=pytest.mark.xdist_group(f"released {order}")) for order in ORDERS],
)
def table(request, real, repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    shipped = (repository / "workflow/configs/released-features.yaml").read_text()
    (folder / "config.yaml").write_text(
        shipped.replace("order: blocks}", f"order: {request.param}}}")
        + f"imported_from: {real / 'cdmer_lbptop_112'}\nmodels: [SVM, TCA, TGSR@released]\n"
        + "selection: [default, oracle]\n"
    )
    Workflow(folder, repository).run(TABLE)
    return folder / TABLE


@pytest.mark.parametrize(("model", "selection"), PUBLISHED)
def test_published_rows_come_back_to_the_last_digit(table, model, selection):
    rows = pd.read_csv(table)
    rows = rows[(rows["model"] == model) & (rows["selection"] == selection)].set_index("experiment")
    assert list(rows.index) == list(PUBLISHED["SVM", "default"])
    for name, (uf1, accuracy) in PUBLISHED[model, selection].items():
        assert round(rows.at[name, "uf1"], 4) == uf1 == rows.at[name, "published_uf1"]
        assert round(rows.at[name, "accuracy"], 4) == accuracy == rows.at[name, "published_accuracy"]


def test_what_is_not_there_is_left_out_by_name_and_with_the_reason(table):
    text = table.with_suffix(".md").read_text()
    for name in ("H->V", "V->H", "H->N", "N->H", "C->H", "H->C"):
        assert name in text
    assert text.count("no database smic_hs") == 1
    assert "synthetic" not in text


def test_error_bars_say_what_they_were_drawn_over(table):
    rows = pd.read_csv(table)
    assert set(rows["interval_over"]) == {"clips"}
    assert set(rows["data"]) == {"released"}
    assert (rows["uf1_low"] < rows["uf1"]).all()
    assert (rows["uf1"] < rows["uf1_high"]).all()


def test_a_model_without_a_grid_has_one_row(table):
    rows = pd.read_csv(table)
    assert rows.groupby("model")["selection"].unique().map(list).to_dict() == {
        "SVM": ["default"],
        "TCA": ["default", "oracle"],
        "TGSR@released": ["default", "oracle"],
    }
    assert rows.loc[rows["model"] == "TCA", "point"].str.fullmatch(r"dim=\d+").all()
