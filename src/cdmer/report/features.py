"""The section on features: how far apart the databases are, drawn and measured, and what adaptation changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.progress import progress
from cdmer.protocols.cdmer import CLASSES, LETTERS, cdmer_labels
from cdmer.protocols.labels import labels
from cdmer.protocols.people import person
from cdmer.report.pictures import PALETTE, Picture, drawn, figure
from cdmer.report.results import Results, title_of
from cdmer.report.shift import Distance, distance, embed, inner_products, mapped
from cdmer.store.feature_store import FeatureStore

MARKERS = ("o", "^", "s", "D", "v", "P", "X")


@dataclass(frozen=True, eq=False)
class Domain:
    """The clips of one database, one sample each."""

    database: str
    X: NDArray[Any]
    people: list[str]
    classes: list[str]

    def __len__(self) -> int:
        return len(self.people)


def features_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    measured, pictures, adapted = [], [], []
    for feature, databases in progress(list(results.features.items()), "domain shift", unit="feature"):
        domains = [domain for name in databases if len(domain := load_domain(results, feature, name)) >= 2]
        if len(domains) < 2:
            continue
        found = _Shift(domains)
        measured += [{"feature": feature, **row} for row in found.rows()]
        pictures.append(found.map(feature))
        for name, parameters in results.transforms.items():
            if parameters["feature"] == feature:
                adapted.append(_adapted(name, parameters, domains, found))
    return {"measured": measured, "maps": pictures, "adapted": adapted}


def load_domain(results: Results, feature: str, database: str) -> Domain:
    """The first sample of each clip of a store that takes part in the protocol, as its models see it."""
    store = FeatureStore(results.file(f"features/{feature}/{database}.h5"))
    told = store.load(columns=("clip", "subject", "emotion", "label", "sample"))
    words = told.words
    first = [row for row, number in enumerate(told.sample) if number == 0]
    classes = _classes(results, database, [str(told.clip[row]) for row in first], [words[row] for row in first])
    kept = [(row, name) for row, name in zip(first, classes, strict=True) if name is not None]
    people = [
        person(database, told.subject[row]) if told.subject[row] is not None else f"{database}/{told.clip[row]}"
        for row, _ in kept
    ]
    rows = np.array([row for row, _ in kept], np.int64)
    return Domain(database, store.rows(rows, ("X",)).X, people, [name for _, name in kept])


def _classes(
    results: Results, database: str, clips: Sequence[str], words: Sequence[str | None]
) -> Sequence[str | None]:
    if database in LETTERS.values():
        return cdmer_labels(database, words, results.casme2_negative)
    return labels("megc2019", database, clips, words)


class _Shift:
    """The databases of one feature, and the inner products of all their clips."""

    def __init__(self, domains: Sequence[Domain]) -> None:
        shapes = {domain.X.shape[1:] for domain in domains}
        if len(shapes) > 1:
            names = ", ".join(domain.database for domain in domains)
            raise CdmerError(f"features of different shapes: {names}", "compute them with the same recipe")
        self.domains = domains
        self.products = inner_products(np.concatenate([domain.X for domain in domains]))
        ends = np.cumsum([0, *(len(domain) for domain in domains)])
        self.places = [np.arange(start, end) for start, end in pairwise(ends)]
        self.distances = {
            (first, second): self._distance(first, second) for first, second in combinations(range(len(domains)), 2)
        }

    def _distance(self, first: int, second: int) -> Distance:
        rows = np.concatenate([self.places[first], self.places[second]])
        return _distance(self.products[np.ix_(rows, rows)], self.domains[first], self.domains[second])

    def rows(self) -> Iterator[dict[str, Any]]:
        for (first, second), found in self.distances.items():
            names = (title_of(self.domains[place].database) for place in (first, second))
            yield {"pair": " – ".join(names), "distance": found}

    @property
    def farthest(self) -> tuple[int, int]:
        """The pair with the largest MMD."""
        return max(self.distances, key=lambda pair: self.distances[pair].mmd)

    def map(self, feature: str) -> dict[str, Any]:
        """All clips on a plane, by database and by class."""
        points = embed(self.products)
        made, axes = figure(8.2, 3.3, 1, 2)
        databases = [domain.database for domain in self.domains for _ in range(len(domain))]
        classes = [name for domain in self.domains for name in domain.classes]
        _scatter(axes[0], points, databases, [domain.database for domain in self.domains], "by database")
        _scatter(axes[1], points, classes, [name for name in CLASSES if name in classes], "by class")
        return {"feature": feature, "picture": drawn(made, f"t-SNE of {feature}, by database and by class")}


def _distance(products: NDArray[np.float64], first: Domain, second: Domain) -> Distance:
    return distance(products, np.arange(len(products)) >= len(first), [*first.people, *second.people])


def _adapted(name: str, parameters: Mapping[str, Any], domains: Sequence[Domain], before: _Shift) -> dict[str, Any]:
    """What a method does to the distances of all pairs, and to the picture of the pair that is farthest apart."""
    rows, pictures = [], []
    for (first, second), found in before.distances.items():
        source, target = domains[first], domains[second]
        own = {key: value for key, value in parameters.items() if key != "feature"}
        both = np.concatenate(mapped(name, source.X, target.X, own))
        after = _distance(inner_products(both), source, target)
        pair = f"{title_of(source.database)} → {title_of(target.database)}"
        rows.append({"pair": pair, "before": found, "after": after})
        if (first, second) == before.farthest:
            pictures.append(_before_and_after(name, source, target, both, pair))
    return {"name": name, "feature": parameters["feature"], "rows": rows, "pictures": pictures}


def _before_and_after(name: str, source: Domain, target: Domain, both: NDArray[np.float64], pair: str) -> Picture:
    made, axes = figure(8.2, 3.3, 1, 2)
    databases = [source.database] * len(source) + [target.database] * len(target)
    for axis, X, title in (
        (axes[0], np.concatenate([source.X, target.X]), "before"),
        (axes[1], both, f"after {name}"),
    ):
        _scatter(axis, embed(inner_products(X)), databases, [source.database, target.database], f"{pair}, {title}")
    return drawn(made, f"t-SNE of {pair} before and after {name}")


def _scatter(axis: Any, points: NDArray[np.float64], names: Sequence[str], order: Sequence[str], title: str) -> None:
    for number, name in enumerate(order):
        rows = [row for row, other in enumerate(names) if other == name]
        axis.scatter(
            points[rows, 0], points[rows, 1], s=14, alpha=0.8, linewidths=0, label=title_of(name),
            color=PALETTE[number % len(PALETTE)], marker=MARKERS[number % len(MARKERS)],
        )  # fmt: skip
    axis.set_title(title)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=len(order), handletextpad=0.1, columnspacing=0.8)
