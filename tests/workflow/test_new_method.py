"""A method that is added as docs/guide.md says, one file and one entry, is in every table and in the report."""

import json
import re

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.neighbors import NearestCentroid

from cdmer.store.feature_store import FeatureStore

REPORT = "results/report.html"


def add_the_method(editable):
    """What a reader of the page would do."""
    page = (editable.page / "docs/guide.md").read_text(encoding="utf-8")
    section = page.split("## 7. Add a method")[1].split("\n## ")[0]
    file, settings, entry = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    source = editable.repository / "src/cdmer"
    (source / "adaptation/prototypes.py").write_text(file)
    models = source / "config/models.py"
    text = models.read_text()
    text = text.replace("class Models(Settings):", f"{settings}\n\nclass Models(Settings):")
    models.write_text(text.replace("    IWSVM: IWSVMSettings", f"{entry}    IWSVM: IWSVMSettings"))


def test_a_method_is_one_file_and_one_entry(editable, repository):
    object.__setattr__(editable, "page", repository)
    add_the_method(editable)
    editable.configure(models=["SVM", "Prototypes"], protocols=["cdmer", "single"], selection=["default", "oracle"])
    editable.run(REPORT)
    results = editable.folder / "results"

    table = pd.read_csv(results / "cdmer_table.csv")
    mine = table[table["model"] == "Prototypes"].set_index(["experiment", "selection"])
    assert len(mine) == 12  # six experiments of three databases, two selections
    # its score by another implementation, on the clips that were read
    known = [FeatureStore(results / f"features/lbp_top_r3p8/{name}.h5").load() for name in ("smic_vis", "smic_nir")]
    machine = NearestCentroid().fit(known[0].X, known[0].emotion.astype(str))
    predicted = machine.predict(known[1].X)
    expected = f1_score(known[1].emotion.astype(str), predicted, average="macro")
    assert mine.loc[("V->N", "default"), "uf1"] == np.round(expected, 6)
    grid = pd.read_csv(results / "models/cdmer/V_to_N/Prototypes/grid.csv")
    assert mine.loc[("V->N", "oracle"), "uf1"] == np.round(grid["uf1"].max(), 6)

    disjoint = pd.read_csv(results / "cdmer_disjoint.csv")
    assert set(disjoint.loc[disjoint["model"] == "Prototypes", "experiment"]) == {"V->N", "N->V"}
    assert (disjoint["shared_people"] > 0).all()
    single = pd.read_csv(results / "single_table.csv")
    assert set(single.loc[single["model"] == "Prototypes", "task"]) == set(single.loc[single["model"] == "SVM", "task"])
    for name in ("cdmer_comparisons.csv", "single_comparisons.csv"):
        compared = pd.read_csv(results / name)
        assert (compared["best"] == "Prototypes").any() or (compared["model"] == "Prototypes").any()
    for name in ("cdmer_table.md", "cdmer_disjoint.md", "single_table.md"):
        assert "| Prototypes | default |" in (results / name).read_text()
    assert "Prototypes" in json.loads((results / "cdmer_table.card.json").read_text())["code"]

    page = (editable.folder / REPORT).read_text(encoding="utf-8")
    for part in ("databases", "models", "tables", "run"):
        section = page.split(f'<section id="{part}">')[1].split("</section>")[0]
        assert ("Prototypes" in section) is (part != "databases")
    assert re.search(r'alt="Prototypes: UF1 over its grid of shrink"', page)
    assert page.count('<tr data-selection="default"><th scope="row">Prototypes</th>') == 4
    assert set(editable.planned(REPORT)) == set()
