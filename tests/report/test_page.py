"""The page: what it says, what it shows of people, and that it needs no other file."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from cdmer.errors import CdmerError
from cdmer.report.clips import SLOWER

from .conftest import CLIPS, DATABASES, FRAMES, PEOPLE, SIDE, frames_of
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
    assert svm[2] == "0.5010.5680.619"  # UF1, accuracy, published
    tca = read.row("TCA", "default")
    assert tca[2] == "0.6120.568"
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
    found = read.row("people of the target are in the source")
    assert found[1:3] == ["2", "0"] and "6 of 6" in found[3]
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
