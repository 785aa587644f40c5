"""The table in the papers' shape, as people read it."""

import numpy as np
import pandas as pd
import pytest

from cdmer.evaluation.markdown import SYNTHETIC, cdmer_markdown
from cdmer.evaluation.tables import COLUMNS

NOTHING_EXCLUDED = pd.DataFrame(columns=["database", "subject", "clip", "stage", "reason"])


def row(experiment, uf1, accuracy=0.5, model="SVM", **others):
    type_ = "TYPE-II" if "C" in experiment else "TYPE-I"
    standard = {
        "type": type_, "experiment": experiment, "model": model, "selection": "default", "uf1": uf1,
        "accuracy": accuracy, "published_uf1": np.nan, "published_accuracy": np.nan, "published_in": "",
        "interval_over": "subjects", "data": "real",
    }  # fmt: skip
    return standard | others


def table(*rows):
    return pd.DataFrame(list(rows), columns=list(COLUMNS))


def markdown(*rows, left_out=(), exclusions=NOTHING_EXCLUDED):
    return cdmer_markdown(table(*rows), left_out, exclusions)


def grid(text, type_):
    """The cells of a type's table: row -> column -> text, rows by method and selection."""
    lines = text.split(f"## {type_}\n\n")[1].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    header, dashes, *body = cells
    assert dashes == ["---"] * len(header)
    assert header[:2] == ["method", "selection"]
    return {tuple(line[:2]): dict(zip(header[2:], line[2:], strict=True)) for line in body}


def test_methods_by_experiments_in_the_papers_order():
    found = grid(markdown(row("V->N", 0.61864, 0.6338), row("H->V", 0.8, 1), row("H->V", 0.9, model="TCA")), "TYPE-I")
    assert list(found) == [("SVM", "default"), ("TCA", "default")]
    assert list(found["SVM", "default"]) == ["H → V", "V → N"]
    assert found["SVM", "default"]["V → N"] == "0.6186 / 0.6338"  # the best of one is no best
    assert found["TCA", "default"]["V → N"] == "–"


def test_the_best_of_ours_is_bold_and_a_tie_is_shared():
    text = markdown(
        row("H->V", 0.7, model="SVM"), row("H->V", 0.8, model="TCA"), row("H->V", 0.8, model="GFK"),
        row("V->H", 0.3, model="SVM"), row("V->H", 0.2, model="TCA"), row("V->H", 0.1, model="GFK"),
    )  # fmt: skip
    bold = {
        (model, experiment)
        for (model, _), cells in grid(text, "TYPE-I").items()
        for experiment, cell in cells.items()
        if cell.startswith("**")
    }
    assert bold == {("TCA", "H → V"), ("GFK", "H → V"), ("SVM", "V → H")}


def test_published_numbers_stand_below_ours_and_are_never_bold():
    paper = {"published_uf1": 0.8002, "published_accuracy": 0.8028, "published_in": "TGSR"}
    found = grid(markdown(row("H->V", 0.7, **paper), row("V->H", 0.6)), "TYPE-I")
    assert list(found) == [("SVM", "default"), ("SVM, published", "TGSR")]
    assert found["SVM, published", "TGSR"] == {"H → V": "0.8002 / 0.8028", "V → H": "–"}


def test_a_paper_that_prints_no_accuracy_shows_its_uf1_alone():
    found = grid(markdown(row("H->V", 0.7, published_uf1=0.8, published_in="DSCNN")), "TYPE-I")
    assert found["SVM, published", "DSCNN"]["H → V"] == "0.8000"


def test_a_paper_that_prints_accuracy_alone_shows_it():
    found = grid(markdown(row("H->V", 0.7, published_accuracy=0.7324, published_in="FR")), "TYPE-I")
    assert found["SVM, published", "FR"]["H → V"] == "– / 0.7324"


def test_a_mark_of_accuracy_stands_on_accuracy_and_of_uf1_on_uf1():
    paper = {"published_uf1": 0.4582, "published_accuracy": 0.4695, "published_in": "TGSR"}
    found = grid(markdown(row("C->H", 0.4, model="TKL", **paper)), "TYPE-II")
    assert found["TKL, published", "TGSR"]["C → H"] == "0.4582¹ / 0.4695²"


def test_a_model_that_no_paper_prints_has_one_line():
    assert list(grid(markdown(row("H->V", 0.7)), "TYPE-I")) == [("SVM", "default")]


def test_each_type_has_its_own_table_with_its_average_last():
    text = markdown(row("H->V", 0.7), row("C->H", 0.6), row("average", 0.5, type="TYPE-I"))
    assert list(grid(text, "TYPE-I")["SVM", "default"]) == ["H → V", "average"]
    assert list(grid(text, "TYPE-II")["SVM", "default"]) == ["C → H"]
    assert "No average of TYPE-II: it needs all six experiments." in text
    assert "No average of TYPE-I:" not in text
    assert "TYPE-II" not in markdown(row("H->V", 0.7)).split("\n- ")[0]


@pytest.mark.parametrize(
    ("data", "warned"),
    [("synthetic", True), ("real and synthetic", True), ("real", False), ("released", False)],
)
def test_a_synthetic_cohort_is_never_compared_without_a_warning(data, warned):
    """One such experiment is enough, and the warning comes before the numbers."""
    text = markdown(row("H->V", 0.7), row("V->H", 0.7, data=data))
    assert (SYNTHETIC in text) == warned
    assert "synthetic" not in text or text.index(SYNTHETIC) < text.index("## TYPE-I")


def test_footnotes_say_what_intervals_are_over():
    assert "95 % percentile bootstrap over subjects.\n" in markdown(row("H->V", 0.7))
    both = markdown(row("H->V", 0.7), row("V->H", 0.7, interval_over="clips"))
    assert "bootstrap over clips or subjects; a release without subjects leaves only clips to draw." in both


def test_footnotes_name_what_is_left_out_with_the_reason():
    reason = "the configuration has no database smic_nir"
    left_out = [{"experiment": name, "model": "SVM", "reason": reason} for name in ("H->N", "N->H")]
    left_out.append({"experiment": "V->C", "model": "SVM", "reason": "casme2 has no clips"})
    lines = [line for line in markdown(row("H->V", 0.7), left_out=left_out).splitlines() if "Left out" in line]
    assert len(lines) == 2
    assert lines[0].index("H->N") < lines[0].index("N->H") < lines[0].index(f": {reason}.")
    assert "V->C" in lines[1]
    assert lines[1].endswith(": casme2 has no clips.")


def test_footnotes_name_models_that_lack_some_experiments_or_all():
    budget, data = "the budget", "no database samm"
    left_out = [{"experiment": name, "model": "MADTN", "reason": budget} for name in ("H->V", "V->H")]
    left_out += [{"experiment": name, "model": "FR-fc", "reason": budget} for name in ("H->V", "V->H", "C->V")]
    left_out += [{"experiment": name, "model": "OSCNN-I", "reason": budget} for name in ("H->V", "V->H", "C->V")]
    left_out += [{"experiment": "S->V", "model": name, "reason": data} for name in ("SVM", "MADTN")]
    shown = (row("H->V", 0.7), row("C->V", 0.5, model="MADTN"))
    lines = [line for line in markdown(*shown, left_out=left_out).splitlines() if "Left out" in line]
    assert lines == [
        "- Left out: MADTN in H->V, V->H; FR-fc, OSCNN-I: the budget.",
        "- Left out: S->V: no database samm.",
    ]
    # a model that is nowhere, but not for one reason alone, is named with its experiments
    left_out.append({"experiment": "S->V", "model": "OSCNN-I", "reason": data})
    text = markdown(*shown, left_out=left_out)
    assert "FR-fc: the budget." in text
    assert "OSCNN-I in H->V, V->H, C->V" in text


def test_footnotes_count_excluded_clips():
    excluded = pd.DataFrame({"clip": ["a", "b"]})
    assert "2 clips were excluded by earlier stages: `exclusions.csv` names them." in markdown(
        row("H->V", 0.7), exclusions=excluded
    )
    assert "excluded" not in markdown(row("H->V", 0.7))


def test_of_nothing_there_is_no_table_and_no_average():
    text = markdown()
    assert "|" not in text
    assert "No average of TYPE-I:" in text
    assert "No average of TYPE-II:" in text


def test_averages_show_their_interval_and_experiments_do_not():
    cells = grid(
        markdown(
            row("H->V", 0.7, uf1_low=0.6, uf1_high=0.8),
            row("average", 0.5, type="TYPE-I", uf1_low=0.412, uf1_high=0.588, published_uf1=0.6, published_in="TGSR"),
        ),
        "TYPE-I",
    )
    assert cells["SVM", "default"]["H → V"] == "0.7000 / 0.5000"
    assert cells["SVM", "default"]["average"] == "0.5000 / 0.5000 [0.41, 0.59]"
    assert cells["SVM, published", "TGSR"]["average"] == "0.6000"


def test_a_class_that_the_target_lacks_is_reported():
    text = cdmer_markdown(table(row("H->V", 0.7)), (), NOTHING_EXCLUDED, {"H->V": ["surprise"]})
    assert "- H->V: the target has no clip of surprise" in text
