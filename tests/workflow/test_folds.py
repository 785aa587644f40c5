"""Leave one subject out, from the clips of a database to its table."""

import pandas as pd


def test_the_table_of_single_databases(workflow):
    workflow.configure(protocols=["single"], models=["SVM", "TCA"])
    workflow.run("results/single_table.csv")
    table = pd.read_csv(workflow.folder / "results/single_table.csv", keep_default_na=False)
    # the small CASME II of this run; TCA needs a target, which one person's clips are not
    assert table["task"].tolist() == ["casme2_3", "casme2_4", "casme2_5"]
    assert set(table["model"]) == {"SVM"}
    text = (workflow.folder / "results/single_table.md").read_text()
    assert "Left out: smic_hs_3: the configuration has no database smic_hs." in text
    assert "Left out: casme2_objective: the annotation of casme2 gives no objective classes." in text
    assert "Left out: samm_3, samm_4, samm_5, samm_objective: the configuration has no database samm." in text
    written = pd.read_csv(workflow.folder / "results/models/single/casme2_5/SVM/predictions.csv")
    assert set(written["label"]) <= {"happiness", "surprise", "disgust", "repression", "others"}
    assert workflow.planned("results/single_table.csv") == {}
