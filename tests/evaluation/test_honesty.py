"""The oracle's lead by hand, and the figure of it."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cdmer.evaluation.honesty import draw_honesty, oracle_leads, price_of_honesty
from cdmer.evaluation.markdown import cdmer_markdown
from cdmer.evaluation.tables import COLUMNS

SCORES = {  # model -> selection -> UF1 of V->N and N->V
    "TCA": {"default": (0.4, 0.5), "source": (0.45, 0.5), "unsupervised": (0.3, 0.6), "oracle": (0.6, 0.7)},
    "SVM": {"default": (0.5, 0.5)},
    "GFK": {"default": (0.5, 0.6), "oracle": (0.5, 0.8)},
}


@pytest.fixture
def table():
    rows = [
        {"type": "TYPE-I", "experiment": experiment, "model": model, "selection": selection, "uf1": values[place]}
        for model, selections in SCORES.items()
        for selection, values in selections.items()
        for place, experiment in enumerate(("V->N", "N->V"))
    ]
    average = {"type": "TYPE-I", "experiment": "average", "model": "TCA", "selection": "oracle", "uf1": 0.99}
    return pd.DataFrame([*rows, average])


def test_the_lead_is_that_of_the_same_cell(table):
    leads = oracle_leads(table)
    of_tca = leads[(table["model"] == "TCA") & (table["selection"] == "unsupervised")]
    np.testing.assert_allclose(of_tca, [0.3, 0.1])
    assert leads[(table["selection"] == "oracle") | (table["model"] == "SVM")].isna().all()
    assert (leads.dropna() >= 0).all()


def test_the_price_by_hand(table):
    prices = price_of_honesty(table)
    assert list(prices.index) == ["TCA", "GFK"]  # SVM has nothing to choose
    np.testing.assert_allclose(prices.loc["TCA", ["default", "source", "unsupervised", "oracle"]].astype(float),
                               [0.45, 0.475, 0.45, 0.65])  # fmt: skip
    assert prices.at["TCA", "price"] == pytest.approx(0.65 - (0.45 + 0.475 + 0.45) / 3)
    assert prices.at["GFK", "price"] == pytest.approx(0.65 - 0.55)
    assert np.isnan(prices.at["GFK", "source"])
    assert list(prices["experiments"]) == [2, 2]


def test_an_experiment_that_a_selection_lacks_is_left_out_of_all_means(table):
    rest = table[~((table["model"] == "TCA") & (table["selection"] == "source") & (table["experiment"] == "N->V"))]
    prices = price_of_honesty(rest)
    assert prices.at["TCA", "experiments"] == 1
    assert prices.at["TCA", "price"] == pytest.approx(0.6 - (0.4 + 0.45 + 0.3) / 3)


def test_the_table_for_people_has_one_number_a_method(table):
    full = table.reindex(columns=list(COLUMNS)).assign(data="real", interval_over="subjects", published_in="")
    text = cdmer_markdown(full, [], pd.DataFrame())
    section = text.split("## The price of honesty")[1]
    assert "| TCA | 2 | 0.4500 | 0.4750 | 0.4500 | 0.6500 | **0.1917** |" in section
    assert "| GFK | 2 | 0.5500 | – | – | 0.6500 | **0.1000** |" in section
    assert "| SVM |" not in section
    alone = full[full["selection"] == "default"]
    assert "price of honesty" not in cdmer_markdown(alone, [], pd.DataFrame())


def test_the_figure_has_a_row_a_model_and_comes_out_the_same(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    for name in ("a.png", "b.png"):
        draw_honesty(tmp_path / "table.csv", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    red = (pixels[..., 0] > 180) & (pixels[..., 1] < 80)  # the oracle's marks: the legend's, and one a model
    rows = np.flatnonzero(red.any(axis=1))
    assert 1 + np.count_nonzero(np.diff(rows) > 1) == 1 + 2


def test_a_table_without_an_oracle_is_drawn_as_such(table, tmp_path):
    table[table["selection"] == "default"].to_csv(tmp_path / "table.csv", index=False)
    draw_honesty(tmp_path / "table.csv", tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size[0] > 500
