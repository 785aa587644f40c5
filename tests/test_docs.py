"""The pages hold: licences as the packages state them, links that lead somewhere, examples that run."""

import importlib
import itertools
import re

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from cdmer import networks
from cdmer.config.standard import STANDARD
from cdmer.config.whole import Config
from cdmer.databases.reading import read_entries
from cdmer.networks.network import Network


@pytest.fixture(scope="module")
def licences(load_script):
    """The script that writes the table of licences."""
    return load_script("docs/make_licences.py")


def test_every_pinned_package_stands_among_the_licences_as_it_states_its_own(repository, licences):
    packages = licences.pinned((repository / "envs" / "cpu.txt").read_text())
    assert len(packages) > 80
    page = (repository / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w.-]+) \| (.+?) \| .*\|$", page.partition(licences.START)[2], re.MULTILINE))
    for package in packages:
        try:
            stated = licences.stated_licence(package)
        except licences.PackageNotFoundError:
            continue  # of another environment than the pinned one
        assert rows[package] == stated, f"{package}: run docs/make_licences.py"
    assert "not stated" not in rows.values()
    assert set(rows) - {"package", "---"} == set(packages)


def test_weights_that_exclude_commerce_are_marked(repository):
    page = (repository / "docs" / "licences.md").read_text(encoding="utf-8")
    for name in ("dlib's 68 landmarks", "C3D", "ImageNet", "MTCNN", "CASME II", "SMIC", "SAMM"):
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {name}")]
        assert "**non-commercial**" in row, name


def test_links_between_pages_lead_somewhere(repository):
    pages = [repository / "README.md", repository / "CHANGELOG.md", *sorted((repository / "docs").glob("*.md"))]
    links = 0
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                links += 1
                assert (page.parent / target).exists(), f"{page.name}: {target}"
    assert links > 50


def test_every_model_stands_on_the_page_of_methods(repository):
    page = (repository / "docs" / "methods.md").read_text(encoding="utf-8")
    names = {*Config().model_settings.by_name()}
    for path in sorted((repository / "src" / "cdmer" / "networks").glob("*.py")):
        kinds = vars(importlib.import_module(f"cdmer.networks.{path.stem}")).values()
        names |= {kind.title.replace("Basic I", "Basic-I") for kind in kinds if _is_network(kind)}
    assert len(names) > 35
    for name in sorted(names):
        assert f"`{name}`" in page, name


def _is_network(kind):
    return isinstance(kind, type) and issubclass(kind, Network) and "title" in vars(kind)


def test_every_descriptor_stands_on_the_page_of_methods(repository):
    page = (repository / "docs" / "methods.md").read_text(encoding="utf-8").lower().replace("-", "_")
    described = {recipe.descriptor for recipe in Config().features.values() if recipe.reads != "part"}
    assert len(described) > 12
    inputs = {"dscnn_input": "dscnn", "madtn_image": "madtn's picture", "onset_apex_flow": "u, v, strain"}
    words = {"hog_3d": "3dhog", "keyframe_flows": "key_frames", **inputs}
    for name in sorted(described - {"flow_planes"}):
        assert words.get(name, name) in page, name


def test_the_guide_s_method_works(repository):
    guide = (repository / "docs" / "guide.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "class Prototypes(" in block)
    scope = {}
    exec(compile(code, "guide.md", "exec"), scope)
    random = np.random.default_rng(3)
    Xs, Xt = random.normal(size=(30, 5)), random.normal(size=(20, 5))
    ys = np.resize(["negative", "positive", "surprise"], 30)
    found = scope["Prototypes"]().fit(Xs, ys, Xt).predict(Xt)
    assert list(found) == list(NearestCentroid().fit(Xs, ys).predict(Xt))


def test_the_guide_s_table_of_clips_is_read(repository, tmp_path):
    guide = (repository / "docs" / "guide.md").read_text(encoding="utf-8")
    (tmp_path / "clips.csv").write_text(re.search(r"```\n(clip,subject.*?)```", guide, re.DOTALL)[1])
    (tmp_path / "recordings" / "k1").mkdir(parents=True)
    (tmp_path / "recordings" / "k2.mp4").write_bytes(b"video")
    first, second = read_entries("clips", tmp_path / "clips.csv")
    assert (first.clip, first.onset, first.apex, first.offset, first.fps) == ("k1", 12, 31, 58, 200)
    assert (second.subject, second.onset, second.emotion) == ("ben", None, "happiness")


def _rows(page, heading):
    """The first cells of the table that begins with `heading`."""
    lines = iter(page[page.index(heading) :].splitlines()[2:])
    return [line.split("|")[1:-1] for line in itertools.takewhile(lambda line: line.startswith("|"), lines)]


def test_every_recipe_and_every_network_s_feature_stands_on_its_page(repository):
    docs = repository / "docs"
    for page in ("faces", "frames"):
        text = (docs / f"{page}.md").read_text(encoding="utf-8")
        rows = _rows(text, "| recipe |")
        assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == set(STANDARD[page]), page
    rows = _rows((docs / "motion.md").read_text(encoding="utf-8"), "| feature |")
    config = Config()
    models = config.model_settings.by_name().values()
    read = {one.feature for one in models if one.module.startswith("cdmer.networks.") and not one.no_input}
    assert {row[0].strip(" `") for row in rows} == read


def test_the_table_of_networks_says_what_to_write_in_models(repository):
    rows = _rows((repository / "docs" / "networks.md").read_text(encoding="utf-8"), "| network |")
    said = {}
    for row in rows:
        classes, names = ([name.strip(" `") for name in cell.split(",")] for cell in row[:2])
        said |= dict(zip(classes, names, strict=True))
    known = {one.estimator: name for name, one in Config().model_settings.by_name().items()}
    assert said == {name: known.get(name, "–") for name in networks.__all__}


def test_make_bench_runs_what_the_page_of_performance_says(repository):
    bench = (repository / "Makefile").read_text(encoding="utf-8").partition("\nbench:")[2].partition("\n\n")[0]
    run = set(re.findall(r"benchmarks/\w+\.py", bench))
    page = (repository / "docs" / "performance.md").read_text(encoding="utf-8")
    excepted = set(re.findall(r"benchmarks/\w+\.py", page.split("\n## ")[0].partition("`--meb`")[0]))
    excepted -= {"benchmarks/descriptors.py"}  # runs, without a peer
    assert "--meb" not in bench
    assert not excepted & run
    assert set(re.findall(r"benchmarks/\w+\.py", page)) <= run | excepted


def test_the_page_of_results_names_all_that_the_rules_make(repository):
    rules = "".join(path.read_text(encoding="utf-8") for path in sorted((repository / "rules").glob("*.smk")))
    page = (repository / "results" / "README.md").read_text(encoding="utf-8")
    made = set(re.findall(r"results/([\w{}]+/|[\w{}]+\.[a-z.]*[a-z])", rules))
    made = {name.replace("{protocol}", "cdmer").replace("{table}", "cdmer_table") for name in made}
    assert {"interpolators/", "checkpoints/", "cdmer_honesty.png", "cdmer_table.card.json"} <= made
    for name in made | {"faces/{recipe}/contact_sheet.png", "frames/{recipe}/contact_sheet.png"}:
        assert f"`{name}" in page, name
