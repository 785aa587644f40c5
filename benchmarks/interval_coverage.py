"""How often the 95 % intervals of the tables hold the truth: people are made up, whose answers depend on who they are.

Every simulated person has the clips of somebody in a database's layout (how many of which class), a skill of his own
with which a method reads him, and a wrong class that it prefers for him. The truth is the UF1 over 200 000 such people.
Samples of as many people as the database has are drawn; the table's interval of each (`cdmer.evaluation.intervals`)
should hold the truth 95 times in 100. Beside it the interval of a bootstrap over clips, which forgets who is who.

A second table is of the average of TYPE-I, whose targets show the same people: SMIC-HS sixteen, SMIC-VIS and SMIC-NIR
eight of them. Beside the table's interval that of a bootstrap which draws SMIC-HS apart from its own people.

    python benchmarks/interval_coverage.py [--samples 1000]
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.plan import plan_database
from cdmer.evaluation.intervals import bootstrap_average, bootstrap_scores, interval
from cdmer.evaluation.metrics import uf1_of
from cdmer.progress import progress
from cdmer.protocols.labels import labels

CLASSES = ("negative", "positive", "surprise")
# how much people differ in how well they are read: the standard deviation of the log-odds of a right answer
SPREADS = {"people alike": 0.0, "people differ": 1.0, "people differ much": 2.0}
CENTRE = 0.6  # log-odds of a right answer for the middle person
PEOPLE_OF_TRUTH = 200_000


@dataclass(frozen=True)
class Design:
    """A database as far as an interval knows it: (people, classes) numbers of clips."""

    name: str
    counts: NDArray[np.int64]


def design(*databases: str) -> Design:
    """The people of databases with their clips, as the synthetic cohort lays out the real databases' counts."""
    rows = []
    for database in databases:
        for subject in plan_database(database, "paper", 1).subjects:
            words = [clip.emotion.lower() for clip in subject.clips]
            given = labels("megc2019", "smic_hs" if database.startswith("smic") else database, words, words)
            rows.append([sum(word == name for word in given) for name in CLASSES])
    counts = np.array(rows)
    return Design(" + ".join(databases), counts[counts.sum(1) > 0])


@dataclass(frozen=True)
class Traits:
    """How people are read: how often a right answer is given (people,), and where wrong ones go (people,)."""

    right: NDArray[np.float64]
    preferred: NDArray[np.int64]


def traits(people: int, spread: float, rng: np.random.Generator) -> Traits:
    """Traits of as many people."""
    right = 1 / (1 + np.exp(-(CENTRE + spread * rng.normal(size=people))))
    return Traits(right, rng.integers(0, len(CLASSES), people))


def answers(
    counts: NDArray[np.int64], spread: float, rng: np.random.Generator, known: Traits | None = None
) -> NDArray[np.int64]:
    """Confusion matrices of people (people, classes, classes) who have `counts` clips; new people, or `known` ones."""
    people, classes = counts.shape
    known = known or traits(people, spread, rng)
    right, preferred = known.right, known.preferred
    made = np.zeros((people, classes, classes), dtype=np.int64)
    for truth in range(classes):
        shares = np.zeros((people, classes))
        shares[:, truth] = right
        for other in set(range(classes)) - {truth}:
            wrong = np.where(preferred == other, 0.8, np.where(preferred == truth, 0.5, 0.2))
            shares[:, other] = (1 - right) * wrong
        made[:, truth] = rng.multinomial(counts[:, truth], shares)
    return made


def truth_of(design: Design, spread: float, seed: int, people: int = PEOPLE_OF_TRUTH) -> float:
    """UF1 over very many people."""
    rng = np.random.default_rng([seed, 1])
    drawn = design.counts[rng.integers(0, len(design.counts), people)]
    return float(uf1_of(answers(drawn, spread, rng).sum(0)))


def coverage(
    design: Design, spread: float, samples: int, seed: int = 1, people: int = PEOPLE_OF_TRUTH, resamples: int = 2000
) -> tuple[float, float, float, float]:
    """Shares of samples whose interval holds the truth, and the mean width of the first.

    The table's interval, over people and widened for their number; over people and not widened; over clips.
    """
    truth = truth_of(design, spread, seed, people)
    rng = np.random.default_rng([seed, 2])
    held = np.zeros((samples, 3), bool)
    widths = []
    for sample in range(samples):
        drawn = design.counts[rng.integers(0, len(design.counts), len(design.counts))]
        label, predicted, person = as_clips(answers(drawn, spread, rng))
        over_people = bootstrap_scores(label, predicted, person, range(3), sample, resamples)
        over_clips = bootstrap_scores(label, predicted, [None] * len(label), range(3), sample, resamples)
        found = (
            interval(over_people.uf1, over_people.number),
            interval(over_people.uf1),
            interval(over_clips.uf1, over_clips.number),
        )
        held[sample] = [low <= truth <= high for low, high in found]
        widths.append(found[0][1] - found[0][0])
    widened, plain, clips = (float(share) for share in held.mean(0))
    return widened, plain, clips, float(np.mean(widths))


def average_coverage(
    spread: float, samples: int, seed: int = 1, people: int = PEOPLE_OF_TRUTH, resamples: int = 2000
) -> tuple[float, float, float, float]:
    """The same of the average over SMIC-HS and two subsets of half its people: all drawn together, and it apart.

    Returns
    -------
    float
        Shares that hold the truth, together and apart, and the mean widths.
    """
    whole, subset = design("smic_hs").counts, design("smic_vis").counts
    truth = (
        truth_of(Design("", whole), spread, seed, people) + 2 * truth_of(Design("", subset), spread, seed, people)
    ) / 3
    rng = np.random.default_rng([seed, 3])
    held, widths = np.zeros((samples, 2), bool), np.zeros((samples, 2))
    for sample in range(samples):
        known = traits(len(whole), spread, rng)
        shared = Traits(known.right[: len(subset)], known.preferred[: len(subset)])
        targets, apart = [], []
        for counts, who in ((whole, known), (subset, shared), (subset, shared)):
            drawn = counts[rng.integers(0, len(counts), len(counts))]
            label, predicted, person = as_clips(answers(drawn, spread, rng, who))
            targets.append(([(label, predicted)], person))
            own = 2 * sample + (counts is subset)
            apart.append(bootstrap_scores(label, predicted, person, range(3), own, resamples).uf1)
        found = (
            interval(bootstrap_average(targets, range(3), sample, resamples), len(subset)),
            interval(np.mean(apart, axis=0), len(subset)),
        )
        held[sample] = [low <= truth <= high for low, high in found]
        widths[sample] = [high - low for low, high in found]
    together, alone = (float(share) for share in held.mean(0))
    return together, alone, *(float(width) for width in widths.mean(0))


def as_clips(matrices: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp], list[str]]:
    """Label, answer and person of each clip behind confusion matrices."""
    person, label, predicted = np.nonzero(matrices)
    times = matrices[person, label, predicted]
    names = [f"p{number}" for number in np.repeat(person, times)]
    return np.repeat(label, times), np.repeat(predicted, times), names


def main() -> None:
    """Print the page's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    designs = [design("smic_vis"), design("smic_hs"), design("casme2"), design("smic_hs", "casme2", "samm")]
    print("| people of | people | clips | spread | the table's | not widened | over clips | mean width |")
    print("|---|---|---|---|---|---|---|---|")
    for each in designs:
        for name, spread in progress(list(SPREADS.items()), each.name):
            widened, plain, clips, width = coverage(each, spread, samples)
            size = f"{len(each.counts)} | {each.counts.sum()}"
            print(
                f"| {each.name} | {size} | {name} | {widened:.3f} | {plain:.3f} | {clips:.3f} | {width:.2f} |",
                flush=True,
            )
    print("\n| TYPE-I, average | the table's | drawn apart | mean width | drawn apart |")
    print("|---|---|---|---|---|")
    for name, spread in progress(list(SPREADS.items()), "TYPE-I, average"):
        together, apart, width, other = average_coverage(spread, samples)
        print(f"| {name} | {together:.3f} | {apart:.3f} | {width:.2f} | {other:.2f} |", flush=True)


if __name__ == "__main__":
    main()
