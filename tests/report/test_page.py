"""The page: what it says, what it shows of people, and that it needs no other file."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cdmer.errors import CdmerError
from cdmer.evaluation.disjoint_table import tabulate_disjoint
from cdmer.evaluation.fold_tables import tabulate_folds
from cdmer.report.clips import SLOWER

from .conftest import CLIPS, DATABASES, FRAMES, PEOPLE, SIDE, frames_of, people
from .reading import Reader, decoded, opened


def test_nothing_is_fetched_from_anywhere(page):
    read = Reader(page)
    assert len(read.images) > 10
    for address in read.addresses:
        assert address.startswith(("data:", "#")), address[:80]
    outside_pictures = re.sub(r"data:[\w/+;=,.-]+", "", page)
    assert not re.search(r"https?:|@import|url\(|\bfetch\(|XMLHttpRequest|import\(", outside_pictures)
    for image in read.images:
        kind, content = decoded(image["src"])
        if kind == "image/svg+xml":
            for target in re.findall(r'href="([^"]*)"', content.decode()):
                assert target.startswith(("#", "data:"))


def test_every_image_says_what_it_shows_and_how_large_it_is(page):
    for image in Reader(page).images:
        assert image["alt"] and int(image["width"]) > 0 and int(image["height"]) > 0


def test_scores_stand_with_published_ones_and_with_what_chance_says(page):
    read = Reader(page)
    svm = read.row("SVM", "default")
    assert svm[2] == "0.5010.568[0.31, 0.82]TGSR 0.619 / 0.634"  # UF1, accuracy, interval, published
    tca = read.row("TCA", "default")
    assert tca[2] == "0.6120.568[0.31, 0.82]"
    assert "▽" in read.row("STSTNet", "default")[2]
    assert "▽" not in svm[2]  # p = 0.4
    assert read.row("TCA", "oracle")[2].startswith("0.723")
    best = re.findall(r'<td class="number best" data-v="([\d.]+)" title', page)
    assert sorted(map(float, best)) == pytest.approx([0.6123, 0.6223, 0.7234, 0.7334])
    assert "below TCA by more than chance, p = 0.008" in page


def test_the_price_of_honesty_is_the_oracles_less_the_honest(page):
    assert Reader(page).row("TCA", "0.617", "0.728")[-1] == "0.111"


def test_the_drawn_price_of_honesty_is_embedded(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "results")
    Image.new("RGB", (60, 20), (1, 2, 3)).save(tmp_path / "results/cdmer_honesty.png")
    page = type(run)(tmp_path / "results", {**run.settings, "honesty": True}).faces("none").report()
    (image,) = [image for image in Reader(page).images if image["alt"] == "the price of honesty"]
    assert opened(image).size == (60, 20)
    assert (image["width"], image["height"]) == ("720", "240")


def test_synthetic_data_are_called_so_loudly(run, page):
    assert 'class="banner">Synthetic data.' in page
    databases = {name: {**entry, "origin": "real"} for name, entry in run.settings["databases"].items()}
    real = type(run)(run.folder, {**run.settings, "databases": databases}).report()
    assert 'class="banner"' not in real
    databases["casme2"]["origin"] = "synthetic"
    mixed = type(run)(run.folder, {**run.settings, "databases": databases}).report()
    assert "Partly synthetic data. CASME II" in mixed


def test_counts_of_databases_and_excluded_clips(page):
    read = Reader(page)
    casme2 = read.row("CASME II")
    assert casme2[2:10] == ["18", "6", "3", "200", str(FRAMES), "0.06", "18", "0"]
    assert read.row("SMIC-VIS")[8] == "0"  # no apex
    assert read.row("casme2", "s09", "gone")[-1] == "no <face> & more"
    assert "no <face>" not in page  # a reason is text, whatever it holds


def test_confusion_matrices_hold_counts(page):
    # the first person's three clips were all called negative
    found = re.search(r"<caption>V → N.*?</table>", page, flags=re.DOTALL).group()
    counts = [int(count) for count in re.findall(r"<td style=[^>]*>(\d+)</td>", found)]
    assert counts == [PEOPLE, 0, 0, 1, PEOPLE - 1, 0, 1, 0, PEOPLE - 1]


def test_shift_between_databases_is_measured(page):
    read = Reader(page)
    near, far = (float(read.row("lbp", pair)[2]) for pair in ("SMIC-VIS – SMIC-NIR", "SMIC-VIS – CASME II"))
    assert far > 0.1 > abs(near)
    assert float(read.row("lbp", "SMIC-VIS – CASME II")[3]) == 2.0
    before, after = (float(cell) for cell in read.row("SMIC-VIS → CASME II")[1:3])
    assert before == far and after < before  # TCA brings them together


def test_time_and_leaks_and_card(page):
    read = Reader(page)
    assert read.row("models", "TCA")[2:4] == ["1", "1.5 min"]
    assert read.row("faces", "aligned_112")[3] == "30.0 s"
    found = read.row("a person is on both sides")
    assert found[1:4] == ["2", "0", "6 of 12"] and "6 of 6" in found[4]
    assert read.row("SHA-256 of the table")[1] == "0123abcd"


def test_a_clip_of_each_emotion_moves_at_its_own_pace(page):
    moving = [image for image in Reader(page).images if "slow motion" in image["alt"]]
    assert len(moving) == len(DATABASES) * 3
    clip = next(image for image in moving if image["alt"].startswith("s04_ne"))  # of SMIC-VIS, 25 frames a second
    picture = opened(clip)
    assert picture.n_frames == FRAMES
    total = 0
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        total += picture.info["duration"]
    assert total == FRAMES * 40 * SLOWER + 700


def test_none_needs_no_pixel_and_has_none(run, tmp_path):
    """With no crop on the disk the page is made all the same, and no raster picture is in it but scores' colours."""
    shutil.copytree(run.folder, tmp_path / "results", ignore=shutil.ignore_patterns("faces"))
    bare = type(run)(tmp_path / "results", run.settings).faces("none")
    (tmp_path / "results/benchmarks/faces").mkdir(parents=True)
    page = bare.report()
    for image in Reader(page).images:
        kind, content = decoded(image["src"])
        assert kind == "image/svg+xml"
        if b"<image" in content:
            assert image["alt"].startswith(("accuracy of each model", "TCA: UF1 over"))
    assert "No picture is shown of SMIC-VIS, SMIC-NIR, CASME II" in page


def test_where_no_benchmarks_are_the_page_does_not_say_where_the_time_went(run, tmp_path):
    """As when benchmarks lie in a bucket: neither the page nor the card knows what jobs took."""
    shutil.copytree(run.folder, tmp_path / "results", ignore=shutil.ignore_patterns("benchmarks"))
    card = tmp_path / "results/cdmer_table.card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "hours": None, "jobs": {}}))
    page = type(run)(tmp_path / "results", run.settings).faces("none").report()
    assert "Not known: there were no benchmarks beside the results" in page
    assert re.search("hours of its jobs</th><td><code>not known</code>", page)


def test_mean_shows_the_mean_of_people_and_nothing_else(run):
    rasters = [image for image in Reader(run.faces("mean").report()).images if "webp" in image["src"][:30]]
    assert len(rasters) == len(DATABASES)
    shown = np.asarray(opened(rasters[0]).convert("L"), float)
    onsets = [np.mean([frames_of(p + n)[0].astype(float) for n in range(CLIPS)]) for p in range(1, PEOPLE + 1)]
    assert shown.mean() == pytest.approx(np.mean(onsets), abs=1)
    assert shown.std() < 0.5 * frames_of(1)[0].std()  # nobody's own noise is left


def test_no_mean_of_a_few_people(run):
    few = run.faces("mean")
    few.settings["databases"] = {
        name: {**entry, "subjects": entry["subjects"][:4]} for name, entry in few.settings["databases"].items()
    }
    page = few.report()
    assert "webp" not in page
    assert "no mean of fewer than 5 people" in page


def test_each_database_by_its_own_setting(run):
    mixed = run.faces("none")
    mixed.settings["databases"]["smic_nir"] = run.settings["databases"]["smic_nir"]
    mixed.settings["faces"] = "auto"
    page = mixed.report()
    assert len([image for image in Reader(page).images if "slow motion" in image["alt"]]) == 3
    assert "No picture is shown of SMIC-VIS, CASME II" in page


def test_the_same_run_gives_the_same_page(run, page):
    assert run.report() == page


def test_a_missing_file_is_named(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "results")
    (tmp_path / "results/cdmer_leaks.csv").unlink()
    with pytest.raises(CdmerError, match=r"cdmer_leaks\.csv is not there"):
        type(run)(tmp_path / "results", run.settings).report()


def test_the_page_is_no_larger_than_its_pictures_need(page):
    assert len(page) < 1_500_000  # nine examples of 48 pixels
    assert SIDE == 48


def test_type_i_with_nobody_on_both_sides_stands_beside_the_tables(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "results")
    answered = tmp_path / "answered.csv"
    plain = run.folder / "models/cdmer/V_to_N/SVM/predictions.csv"
    told = pd.read_csv(plain).query("selection == 'default'").assign(experiment="V->N", without="")
    told.loc[told["subject"] == "s02", ["predicted", "without"]] = ["negative", "s02"]
    told.to_csv(answered, index=False)
    controls = tmp_path / "controls.csv"
    drawn = [told.assign(draw=draw, predicted="negative" if draw == 1 else told["label"]) for draw in (1, 2)]
    pd.concat(drawn).to_csv(controls, index=False)
    files = {"disjoint": answered, "plain": plain, "controls": controls}
    part = {"experiment": "V->N", "model": "SVM", "data": "synthetic", **files}
    table = tmp_path / "results/cdmer_disjoint.csv"
    leaks = tmp_path / "results/cdmer_disjoint_leaks.csv"
    checked = {"experiment": "V->N", "feature": "lbp", "check": "a person is on both sides", "detail": ""}
    pd.DataFrame([{**checked, "count": 0, "of": 6}]).to_csv(leaks, index=False)
    card = json.loads((run.folder / "cdmer_table.card.json").read_text())
    (tmp_path / "results/cdmer_disjoint.card.json").write_text(json.dumps({**card, "table": "cdmer_disjoint.csv"}))
    tabulate_disjoint(leaks, table, tmp_path / "t.md", parts=[part], left_out=[])
    made = type(run)(tmp_path / "results", {**run.settings, "disjoint": True}).report()
    (row,) = pd.read_csv(table).to_dict("records")
    cell = f"{row['uf1']:.3f}{row['difference']:+.3f}"
    assert row["difference"] < 0
    assert any(line == ["SVM", "default", cell] for line in map(spaceless, Reader(made).rows))
    assert 'href="#disjoint"' in made
    section = made.split('<h3 id="disjoint">')[1].split("<h3>")[0]
    assert 'class="lost"' not in section  # of one person who changed, every swap is as large: p = 1
    assert "V → N 1 people with 3 of 18 clips" in made
    assert "Checked: a person is on both sides: in no experiment, 0 of 6." in section
    assert "Card of cdmer_disjoint.csv" in made and "<h4>cdmer_disjoint</h4>" in made


def spaceless(row):
    return ["".join(cell.split()) for cell in row]


def test_a_protocol_that_holds_databases_out_has_its_table_and_matrices(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "results")
    rows = [
        {"round": 1, "selection": "default", "point": "", "database": database, "clip": f"{person}{label}",
         "subject": person, "label": label, "predicted": "I" if model == "SVM" else label, "model": model}
        for model in ("SVM", "TCA") for database in ("casme2", "samm") for person in people()
        for label in ("I", "II", "III", "IV", "V")
    ]  # fmt: skip
    files = []
    for model, told in pd.DataFrame(rows).groupby("model"):
        files.append(tmp_path / f"results/models/holdout/holdout_objective/{model}/predictions.csv")
        files[-1].parent.mkdir(parents=True)
        told.drop(columns="model").to_csv(files[-1], index=False)
    results = tmp_path / "results"
    parts = [{"task": "holdout_objective", "model": model, "data": "synthetic"} for model in ("SVM", "TCA")]
    names = [results / f"holdout_{name}" for name in ("table.csv", "table.md", "comparisons.csv")]
    leaks = results / "holdout_leaks.csv"
    shutil.copy(results / "cdmer_leaks.csv", leaks)
    tabulate_folds(files, results / "exclusions.csv", leaks, *names, "holdout", parts, [])
    shutil.copy(results / "cdmer_table.card.json", results / "holdout_table.card.json")
    held_out = {
        "experiments": {"holdout_objective": ["holdout_objective", "casme2", "samm"]},
        "models": {"SVM": ["holdout_objective"], "TCA": ["holdout_objective"]},
        "networks": [],
        "features": {"SVM": "lbp", "TCA": "lbp"},
    }
    protocols = {**run.settings["protocols"], "holdout": held_out}
    page = type(run)(results, {**run.settings, "protocols": protocols}).faces("none").report()
    assert page.count("<caption>SAMM → CASME II") == page.count("<caption>CASME II → SAMM") == 2
    read = Reader(page)
    one = 2 / 6 / 5  # of all I: F1 of I is 2 * 6 / (6 + 30), of the others 0
    scores = [spaceless(row) for row in read.rows if row[:2] == ["SVM", "default"] and len(row) == 5]
    assert [f"{one:.3f}▽0.200"] * 3 in [[cell.split("[")[0] for cell in row[2:]] for row in scores]
    assert "tested on the other; UF1, small: UAR</span>" in page
    assert "Held-out database, average" in page
    tables = page.split('<section id="tables">')[1]
    assert tables.count("four times in five if it is") == 2  # of TYPE-I and the held-out database
