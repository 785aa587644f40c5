"""Leave-one-subject-out of the flow networks on real flow images of MEGC 2019 (SMIC-HS and CASME II).

    python benchmarks/megc2019_networks.py FLOW.npz --output results/megc2019_networks [--networks FR ...] [--rounds 3]

FLOW.npz holds `bgr` uint8 (clips, 28, 28, 3): optical strain, v, u; `label`, `subject`, `dataset`. Each network and
round is kept when it is done, and a run that was stopped goes on from its checkpoint. `--tables` prints what there is,
above the published scores: those were trained on SAMM too, and their "both" has it within, so it has none beside it.

What FR's paper leaves open is chosen on inner folds: CASME II's subjects are halved; what is best within one half
(three inner folds of its subjects) is used for the test folds of the other half. SMIC's subjects are halved alike and
take either choice. No test fold has a part in its own choice.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import uar, uf1
from cdmer.evaluation.published import published_score
from cdmer.files import whole_file, write_text
from cdmer.networks.fr import FR, BasicInception, DualInception
from cdmer.networks.network import Network
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.ststnet import STSTNet
from cdmer.networks.training import Machinery, Trained, Trial, clear_checkpoints, train

NETWORKS = {
    "STSTNet": STSTNet,
    "OFF-ApexNet": OFFApexNet,
    "Basic Inception": BasicInception,
    "FR": FR,
    "Dual-Inception": DualInception,
}
EPOCHS = {"STSTNet": 800, "OFF-ApexNet": 100, "Basic Inception": 40, "Dual-Inception": 40}
CLASSES = (0, 1, 2)
PARTS = {"both": ("smic", "casme2"), "SMIC-HS": ("smic",), "CASME II": ("casme2",)}
# FR's open choices: optimiser (with the paper's rate, and a tenth of it for Adam), attention, scaling of u and v
CHOICES = [
    {"optimizer": optimizer, "rate": rate, "attention_scale": attention, "scaling": scaling}
    for optimizer, rate, attention, scaling in [
        ("sgd", 1e-3, "none", "sample"),
        ("adam", 1e-3, "none", "sample"),
        ("adam", 1e-4, "none", "standard"),
        ("adam", 1e-4, "width", "sample"),
        ("adam", 1e-4, "width", "standard"),
        ("adam", 1e-3, "width", "standard"),
    ]
]
INNER_EPOCHS, INNER_FOLDS = 60, 3
SEED = 2019


class Flow:
    """The clips of the file."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise CdmerError(f"{path} does not exist", "give the file of the released flow images")
        with np.load(path) as file:
            self.X = torch.from_numpy(np.ascontiguousarray(file["bgr"][..., ::-1].transpose(0, 3, 1, 2)))
            self.label = file["label"].astype(np.int64)
            self.dataset = file["dataset"].astype(str)
            self.subject = np.char.add(np.char.add(self.dataset, "/"), file["subject"].astype(str))
        self.subjects = sorted(set(self.subject))

    def half(self, subject: str) -> int:
        """0 or 1: every other subject of each database."""
        own = [name for name in self.subjects if name.partition("/")[0] == subject.partition("/")[0]]
        return own.index(subject) % 2


def chosen_options(flow: Flow, half: int, folder: Path, machinery: Machinery) -> dict:
    """The best of `CHOICES`, and its epochs, within one half of CASME II's subjects."""
    file = folder / f"choice-{half}.json"
    if file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))
    rows = np.flatnonzero([name.startswith("casme2/") and flow.half(name) == half for name in flow.subject])
    people = sorted(set(flow.subject[rows]))
    tried = []
    for number, choice in enumerate(CHOICES):
        trials = []
        for fold in range(INNER_FOLDS):
            held = rows[np.isin(flow.subject[rows], people[fold::INNER_FOLDS])]
            rest = np.setdiff1d(rows, held)
            trials.append(Trial(f"inner fold {fold}", (SEED, half, number, fold), rest, flow.label[rest], held))
        options = {name: choice[name] for name in ("attention_scale", "scaling")}
        recipe = FR.recipe.changed(optimizer=choice["optimizer"], rate=choice["rate"])
        done = train(
            lambda _, options=options: FR(**options), flow.X, trials, recipe=recipe, epochs=INNER_EPOCHS,
            what=f"FR choice {number + 1} of {len(CHOICES)}, half {half}", machinery=machinery,
            checkpoints=folder / "checkpoints", about=choice,
        )  # fmt: skip
        truth = np.concatenate([flow.label[trial.test] for trial in trials])
        by_epoch = np.concatenate([one.logits.argmax(-1) for one in done], axis=1)
        scores = [uf1(truth, predicted, CLASSES) for predicted in by_epoch]
        # one epoch of few clips is luck: the mean of five around it
        smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, "valid")
        tried.append({**choice, "epochs": int(np.argmax(smooth)) + 1, "uf1": float(smooth.max())})
        print(json.dumps(tried[-1]), flush=True)
    best = max(tried, key=lambda entry: entry["uf1"])
    write_text(file, json.dumps({"best": best, "tried": tried}, indent=1) + "\n")
    return {"best": best, "tried": tried}


def run(flow: Flow, name: str, round_: int, folder: Path, machinery: Machinery) -> None:
    """All folds of one round; logits of every epoch into a file."""
    file = folder / f"{name.replace(' ', '_')}-{round_}.npz"
    if file.is_file():
        return
    kind = NETWORKS[name]
    logits = {}
    for half in (0, 1) if name == "FR" else (None,):
        people = [one for one in flow.subjects if half is None or flow.half(one) != half]
        recipe, options, epochs = kind.recipe, {}, EPOCHS.get(name, 0)
        if half is not None:
            best = chosen_options(flow, half, folder, machinery)["best"]
            recipe = recipe.changed(optimizer=best["optimizer"], rate=best["rate"])
            options = {key: best[key] for key in ("attention_scale", "scaling")}
            epochs = best["epochs"]
        trials = []
        for person in people:
            test = np.flatnonzero(flow.subject == person)
            rest = np.flatnonzero(flow.subject != person)
            trials.append(Trial(person, (SEED, round_, flow.subjects.index(person)), rest, flow.label[rest], test))

        def make(_: int, options: dict = options) -> Network:
            return kind(**options)

        done: list[Trained] = train(
            make, flow.X, trials, recipe=recipe, epochs=epochs, what=f"{name}, round {round_}", machinery=machinery,
            checkpoints=folder / "checkpoints", about=options,
        )  # fmt: skip
        logits |= {person: one.logits for person, one in zip(people, done, strict=True)}
    with whole_file(file) as partial, open(partial, "wb") as stream:
        np.savez_compressed(stream, **logits)
    clear_checkpoints(folder / "checkpoints")


def predictions(flow: Flow, file: Path) -> dict[str, np.ndarray]:
    """Predicted classes by selection: the last epoch, the best common epoch, and the best of each fold."""
    found = {name: np.full(len(flow.label), -1) for name in ("default", "oracle", "oracle by fold")}
    with np.load(file) as kept:
        shortest = min(len(kept[person]) for person in flow.subjects)
        every = np.full((shortest, len(flow.label)), -1)
        for person in flow.subjects:
            rows = np.flatnonzero(flow.subject == person)
            classes = kept[person].argmax(-1)
            every[:, rows] = classes[:shortest]
            found["default"][rows] = classes[-1]
            right = (classes == flow.label[rows]).sum(-1)
            found["oracle by fold"][rows] = classes[right.argmax()]
    scores = [uf1(flow.label, predicted, CLASSES) for predicted in every]
    found["oracle"] = every[int(np.argmax(scores))]
    return found


def tables(flow: Flow, folder: Path) -> None:
    """Markdown of all rounds that are done."""
    print(f"| network | selection | rounds | {' | '.join(f'{part}: UF1 | UAR' for part in PARTS)} |")
    print("|---|---|---|" + "---|" * 2 * len(PARTS))
    for name in NETWORKS:
        files = sorted(folder.glob(f"{name.replace(' ', '_')}-[0-9]*.npz"))
        rounds = [predictions(flow, file) for file in files]
        for selection in rounds[0] if rounds else []:
            cells = []
            for databases in PARTS.values():
                rows = np.isin(flow.dataset, databases)
                for score in (uf1, uar):
                    values = [score(flow.label[rows], one[selection][rows], CLASSES) for one in rounds]
                    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
                    cells.append(f"{np.mean(values):.4f}{spread}")
            print(f"| {name} | {selection} | {len(rounds)} | {' | '.join(cells)} |")
        printed = [published_score("CDE", database, name.replace(" ", "-")) for database in ("smic_hs", "casme2")]
        if rounds and all(printed):
            cells = [f"{value:.4f}" for one in printed for value in (one.uf1, one.uar)]
            print(f"| {name} | published, by {printed[0].paper} | | | | {' | '.join(cells)} |")
    for file in sorted(folder.glob("choice-*.json")):
        print(f"\n{file.stem}: {json.dumps(json.loads(file.read_text(encoding='utf-8'))['best'])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flow", type=Path)
    parser.add_argument("--output", type=Path, default=Path("results/megc2019_networks"))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--group", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", action="store_true", help="only print what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    flow = Flow(given.flow)
    given.output.mkdir(parents=True, exist_ok=True)
    machinery = Machinery(device=given.device, group=given.group, threads=given.threads)
    for round_ in range(1, given.rounds + 1) if not given.tables else ():
        for name in given.networks:
            run(flow, name, round_, given.output, machinery)
    tables(flow, given.output)


if __name__ == "__main__":
    main()
