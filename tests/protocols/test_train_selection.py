"""The job of the models stage: what each selection writes, and that no target label gets anywhere but into `oracle`."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from cdmer.adaptation import TCA
from cdmer.errors import CdmerError
from cdmer.evaluation import uf1
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.train import train_model
from cdmer.store import FeatureStore

ALL = ["default", "source", "unsupervised", "oracle"]
PROVENANCE = {"feature": "f", "database": "smic_vis", "recipe": {}, "code_digest": "c"}


def write(path, seed, n=15, shift=0.0, labels=None, subjects=True):
    rng = np.random.default_rng(seed)
    true = np.array(CLASSES * n)[:n]
    X = rng.random((n, 12)) + shift + 0.4 * (true[:, None] == np.repeat(CLASSES, 4))
    FeatureStore.write(
        path,
        X,
        [f"clip_{number:02d}" for number in range(n)],
        [f"s{number % 4}" for number in range(n)] if subjects else None,
        emotion=list(true if labels is None else labels),
        provenance=PROVENANCE,
        double=True,
    )
    return X, true


def train(folder, selection=ALL, module="tca", estimator="TCA", parameters=None, criterion="snd", budget="quick"):
    names = [folder / name for name in ("predictions.csv", "metrics.json", "grid.csv")]
    train_model(
        folder / "source.h5",
        folder / "target.h5",
        *names,
        databases=("smic_vis", "smic_nir"),
        module=f"cdmer.adaptation.{module}",
        estimator=estimator,
        parameters=parameters or {},
        columns="blocks",
        selection=selection,
        criterion=criterion,
        budget=budget,
        casme2_negative="disgust_sadness_fear",
    )
    grid = pd.read_csv(names[2]) if names[2].stat().st_size > 1 else None
    return pd.read_csv(names[0]), json.loads(names[1].read_text()), grid


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "source.h5", 0)
    write(tmp_path / "target.h5", 1, 12, 0.3)
    return tmp_path


def test_each_selection_is_written_with_its_point(folder):
    predictions, metrics, grid = train(folder)
    assert list(predictions["selection"].unique()) == ALL == list(metrics["scores"])
    assert predictions.groupby("selection").size().eq(12).all()
    assert metrics["source_folds"] == "subjects"
    assert metrics["criterion"] == "snd"
    # every dimension of 15 + 12 clips, and the default, which asks for more than there are
    assert metrics["n_points"] == len(grid) == 27 + 1
    for name, column in (("source", "source_uf1"), ("unsupervised", "snd"), ("oracle", "uf1")):
        best = grid[column].idxmax()
        assert metrics["scores"][name]["point"] == {"dim": grid.at[best, "dim"]}
        assert metrics["scores"][name]["uf1"] == pytest.approx(grid.at[best, "uf1"])
        assert set(predictions.loc[predictions["selection"] == name, "point"]) == {f"dim={grid.at[best, 'dim']}"}
    assert metrics["scores"]["default"]["point"] == {"dim": 30}
    assert metrics["scores"]["oracle"]["uf1"] == max(score["uf1"] for score in metrics["scores"].values())


@pytest.mark.parametrize(
    ("module", "estimator", "parameters"),
    [
        ("drls", "DRLS", {}),
        ("drls", "DRLS", {"lam": 0.03, "mu": 0.7}),
        ("tkl", "TKL", {"zeta": 0.77}),
        ("stm", "STM", {"lam": 3.3}),
        ("gfk", "GFK", {}),
        ("tgsr", "TGSR", {"kappa": 3, "xi": 0.37, "n_blocks": 4}),
        ("rstr", "RSTR", {"lam": 3.0, "mu": 0.25, "tau": 0.03, "n_blocks": 4}),
    ],
)
def test_the_oracle_is_never_below_the_configured_point(folder, module, estimator, parameters):
    """A quick grid holds the point that is configured, wherever the papers' grid lies."""
    _, metrics, grid = train(folder, ["default", "oracle"], module, estimator, parameters)
    assert metrics["scores"]["oracle"]["uf1"] >= metrics["scores"]["default"]["uf1"]
    own = {name: value for name, value in metrics["scores"]["default"]["point"].items() if value is not None}
    assert (grid[list(own)] == pd.Series(own)).all(axis=1).any()


def test_the_papers_grid_stays_what_it_is(folder):
    _, metrics, _ = train(folder, ["oracle"], "tkl", "TKL", {"zeta": 0.77}, budget="paper")
    assert metrics["n_points"] == 50


def test_predictions_are_those_of_the_method_at_the_point(folder):
    predictions, metrics, _ = train(folder)
    (Xs, ys), (Xt, yt) = write(folder / "a.h5", 0), write(folder / "b.h5", 1, 12, 0.3)
    for name, rows in predictions.groupby("selection"):
        expected = TCA(**metrics["scores"][name]["point"]).fit(Xs, ys, Xt).predict(Xt)
        np.testing.assert_array_equal(rows["predicted"], expected)
        assert metrics["scores"][name]["uf1"] == pytest.approx(uf1(yt, expected, CLASSES))


@pytest.mark.parametrize("criterion", ["snd", "infomax", "dev"])
def test_target_labels_change_nothing_but_the_oracle(folder, criterion):
    """The same clips under labels that are wrong throughout: all else stays to the letter."""
    honest = ["default", "source", "unsupervised"]
    before = train(folder, criterion=criterion)
    rotated = np.roll(CLASSES, 1)[np.arange(12) % 3]
    write(folder / "target.h5", 1, 12, 0.3, labels=rotated)
    after = train(folder, criterion=criterion)
    for selection in honest:
        assert before[1]["scores"][selection]["point"] == after[1]["scores"][selection]["point"]
        pd.testing.assert_series_equal(
            *(run[0].loc[run[0]["selection"] == selection, "predicted"] for run in (before, after))
        )
    label_free = ["dim", "residual", "converged", "source_converged", "source_uf1", "dev", "snd", "infomax"]
    pd.testing.assert_frame_equal(before[2][label_free], after[2][label_free])
    assert (before[2]["uf1"] != after[2]["uf1"]).any()
    assert set(before[2]) == {*label_free, "uf1", "uar", "accuracy"}


def test_without_the_oracle_the_grid_holds_nothing_of_target_labels(folder):
    _, metrics, grid = train(folder, ["source", "unsupervised"])
    assert not {"uf1", "uar", "accuracy"} & set(grid)
    assert list(metrics["scores"]) == ["source", "unsupervised"]


def test_a_release_without_subjects_is_tagged(folder):
    write(folder / "source.h5", 0, subjects=False)
    _, metrics, _ = train(folder, ["source"])
    assert metrics["source_folds"] == "stratified"


def test_a_model_without_a_grid_has_its_default_alone(folder):
    predictions, metrics, grid = train(folder, ALL, "svm", "SVM", budget=None)
    assert set(predictions["selection"]) == {"default"}
    assert grid is None
    assert metrics["source_folds"] is metrics["criterion"] is None


def test_a_point_that_does_not_converge_is_reported_and_never_chosen(folder, monkeypatch):
    """A cap on iterations that only the densest points keep to."""
    monkeypatch.setattr("cdmer.adaptation.regeneration.MOST_ITERATIONS", 150)
    monkeypatch.setattr(
        "cdmer.adaptation.drls.DRLS.grid",
        staticmethod(lambda *_: [{"lam": 1.0, "mu": mu} for mu in (30.0, 3.0, 0.001)]),
    )
    _, metrics, grid = train(folder, ALL, "drls", "DRLS", {"mu": 30.0})
    assert list(grid["converged"]) == [False, False, True]
    assert (grid["residual"] > 1e-8).equals(~grid["converged"])
    usable = grid[grid["converged"] & grid["source_converged"]]
    for name in ("source", "unsupervised", "oracle"):
        assert metrics["scores"][name]["point"]["mu"] in set(grid.loc[grid["converged"], "mu"])
    assert metrics["scores"]["source"]["point"]["mu"] in set(usable["mu"])
    assert metrics["n_points_not_converged"] == (~grid["converged"]).sum()
    assert metrics["scores"]["default"]["converged"] is False


def test_a_grid_of_which_nothing_converges_is_an_error(folder, monkeypatch, caplog):
    monkeypatch.setattr("cdmer.adaptation.regeneration.MOST_ITERATIONS", 5)
    with caplog.at_level(logging.WARNING), pytest.raises(CdmerError, match="no point of the grid converged"):
        train(folder, ["default", "oracle"], "drls", "DRLS")
    assert "has not converged" in caplog.text


def test_a_default_that_follows_the_data_is_written_as_such(folder):
    predictions, metrics, _ = train(folder, ["default"], "gfk", "GFK")
    assert set(predictions["point"]) == {"dim=auto"}
    assert metrics["scores"]["default"]["point"] == {"dim": None}


def test_what_a_model_cannot_learn_from_is_said_with_the_files(folder):
    write(folder / "target.h5", 1, 1)
    with pytest.raises(CdmerError, match=r"GFK cannot learn from .*source\.h5 for .*target\.h5: the target needs"):
        train(folder, ["default"], "gfk", "GFK")


def test_one_target_clip_will_do_where_the_method_allows(folder):
    write(folder / "target.h5", 1, 1)
    predictions, _, _ = train(folder, ALL)
    assert len(predictions) == 4


def test_features_of_other_lengths_are_refused(folder):
    FeatureStore.write(
        folder / "target.h5", np.zeros((3, 5)), list("abc"), emotion=list(CLASSES), provenance=PROVENANCE
    )
    with pytest.raises(CdmerError, match=r"features of shape \(12,\).*of \(5,\)"):
        train(folder)


def test_a_source_of_one_class_is_refused(folder):
    write(folder / "source.h5", 0, labels=["positive"] * 15)
    with pytest.raises(CdmerError, match="at least two classes"):
        train(folder)


def test_a_class_that_the_source_lacks_is_a_class_missed(folder):
    """Two thirds of the classes are all that a perfect model of the source can name."""
    lacking = [label if label != "surprise" else "negative" for label in np.array(CLASSES * 5)]
    write(folder / "source.h5", 0, labels=lacking)
    predictions, metrics, _ = train(folder, ALL)
    assert "surprise" not in set(predictions["predicted"])
    for score in metrics["scores"].values():
        assert score["uf1"] <= 2 / 3
        assert score["uar"] <= 2 / 3
