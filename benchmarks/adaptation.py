"""Adaptation methods: time and memory beside public tools and plain numpy, and how they grow with the data.

    python benchmarks/adaptation.py                 # every figure; some forty minutes on one free core
    python benchmarks/adaptation.py --grids TCA GFK # whole grids of these alone

Random histograms in the shape of LBP-TOP features stand for clips. Times are the processor's, of one thread, each case
in a process of its own; memory is the peak above what is held before the work. skada is compared where it is installed
(`pip install skada`), in its own TCA and SA; scikit-learn's LIBSVM and Lasso solve what SVM and the minimum of DRLS
are. docs/performance.md keeps what was printed.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import numpy as np

from cdmer import adaptation

METHODS = ("SVM", "IWSVM", "TCA", "GFK", "SA", "STM", "TKL", "TSRG", "DRFST", "DRLS", "RSTR", "TGSR")
CLIPS, BINS, HISTOGRAMS = 71, 59, 255  # of each domain; a column is a bin of a histogram
DIM = 35  # of subspaces


def domains(clips: int = CLIPS, histograms: int = HISTOGRAMS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source and target histograms, whose classes and domains differ a little."""
    rng = np.random.default_rng(0)
    code = np.arange(clips) % 3
    shapes = rng.gamma(0.3, size=(5, histograms, BINS)) + 0.02
    drawn = [
        rng.gamma(40 * (shapes[0] + 0.1 * shapes[1 + label] + 0.2 * domain * shapes[4])) + 1e-9
        for domain in (0, 1)
        for label in code
    ]
    X = np.array([(h / h.sum(axis=1, keepdims=True)).ravel() for h in drawn])
    return X[:clips], np.array(["negative", "positive", "surprise"])[code], X[clips:]


# -- the plain forms: what the papers print, on whole matrices


def plain_tca(Xs, ys, Xt):
    X = np.concatenate([Xs, Xt])
    K, n = X @ X.T, len(X)
    e = np.concatenate([np.full(len(Xs), 1 / len(Xs)), np.full(len(Xt), -1 / len(Xt))])
    H = np.eye(n) - 1 / n
    values, vectors = np.linalg.eig(np.linalg.solve(K @ np.outer(e, e) @ K + np.eye(n), K @ H @ K))
    return K @ vectors[:, np.argsort(-values.real)[:30]].real


def plain_gfk(Xs, ys, Xt):
    """With the kernel's matrix of (features, features), as public programs form it."""
    Ps, Pt = (np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:DIM].T for X in (Xs, Xt))
    U, cosines, Vt = np.linalg.svd(Ps.T @ Pt)
    angles = np.arccos(np.clip(cosines, -1, 1))
    A, Q = Ps @ U, (Pt @ Vt.T - Ps @ U * cosines) / np.sin(angles)
    stay, move = 1 + np.sinc(2 * angles / np.pi), 1 - np.sinc(2 * angles / np.pi)
    cross = np.sin(angles) ** 2 / angles
    G = ((A * stay) @ A.T + (A * cross) @ Q.T + (Q * cross) @ A.T + (Q * move) @ Q.T) / 2
    return Xs @ G @ Xs.T


def plain_sa(Xs, ys, Xt):
    Ps, Pt = (np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:DIM].T for X in (Xs, Xt))
    return Xs @ Ps @ (Ps.T @ Pt)


def plain_tsrg(Xs, ys, Xt):
    return plain_regeneration(Xs.T, Xs, Xt)


def plain_drls(Xs, ys, Xt):
    return plain_regeneration((ys[None] == np.unique(ys)[:, None]).astype(float), Xs, Xt)


def plain_regeneration(A, Xs, Xt, lam=1.0, mu=0.1):
    X = np.concatenate([Xs, Xt])
    K = X @ Xs.T
    M = np.column_stack([K, np.sqrt(lam) * (K.mean(axis=1) - (X @ Xt.T).mean(axis=1))])
    s, U = np.linalg.eigh(M @ M.T)
    goal = K @ A.T
    P, T, k = np.ones_like(goal), np.ones_like(goal), 1e-3
    while True:
        Q = U @ ((U.T @ (goal + (k * P + T) / 2)) / (s + k / 2)[:, None])
        V = Q - T / k
        P = np.sign(V) * np.maximum(np.abs(V) - mu / k, 0)
        if np.abs(P - Q).max() < 1e-8:
            return P
        T, k = T + k * (P - Q), 1.1 * k


def plain_tgsr(Xs, ys, Xt, kappa=43, xi=1.0):
    X = np.concatenate([Xs, np.sqrt(xi) * (Xs.mean(axis=0) - Xt.mean(axis=0))[None]]).T
    L = np.concatenate([(ys[:, None] == np.unique(ys)).astype(float), np.zeros((1, len(np.unique(ys))))])
    U, values, _ = np.linalg.svd(X, full_matrices=False)
    C, P, mu = np.ones((len(X), L.shape[1])), np.zeros((len(X), L.shape[1])), 1e-3
    while True:
        right = 2 * X @ L + P + mu * C
        D = right / mu - U @ ((2 * values**2 / (mu * (mu + 2 * values**2)))[:, None] * (U.T @ right))
        V = (D - P / mu).reshape(85, -1)
        norms = np.linalg.norm(V, axis=1)
        C = (np.maximum(0, 1 - np.sort(norms)[::-1][kappa] / norms)[:, None] * V).reshape(D.shape)
        if np.abs(C - D).max() < 1e-8:
            return C
        P, mu = P + mu * (C - D), 1.1 * mu


TOOLS = {
    "SVM": "scikit-learn",
    "TCA": "skada",
    "SA": "skada",
    "DRLS": "scikit-learn",
}
PLAIN = {
    "TCA": plain_tca,
    "GFK": plain_gfk,
    "SA": plain_sa,
    "TSRG": plain_tsrg,
    "DRLS": plain_drls,
    "TGSR": plain_tgsr,
}


def with_tool(name, Xs, ys, Xt):
    """The same with a public program that has the method, or the problem that it solves; see `TOOLS`."""
    {"skada": with_skada, "scikit-learn": with_scikit_learn}[TOOLS[name]](name, Xs, ys, Xt)


def with_scikit_learn(name, Xs, ys, Xt):
    """LIBSVM on the features; for DRLS the three lassos that its minimum is, to a duality gap of 1e-8.

    TSRG and DRFST are 15045 such lassos: some hours.
    """
    from sklearn.linear_model import Lasso
    from sklearn.svm import SVC

    if name == "SVM":
        SVC(kernel="linear").fit(Xs, ys).predict(Xt)
        return
    X = np.concatenate([Xs, Xt])
    K = X @ Xs.T
    M = np.column_stack([K, K.mean(axis=1) - (X @ Xt.T).mean(axis=1)])  # lam = 1
    labels = (ys[:, None] == np.unique(ys)[None]).astype(float)
    goal = np.concatenate([labels, np.zeros((1, labels.shape[1]))])
    lasso = Lasso(0.1 / (2 * M.shape[1]), fit_intercept=False, precompute=M @ M.T, tol=1e-8, max_iter=10**6)
    lasso.fit(M.T, goal)


def with_skada(name, Xs, ys, Xt):
    """The same method in skada, with a linear machine behind it."""
    import skada
    from skada.utils import source_target_merge
    from sklearn.svm import SVC

    adapter = (
        skada.SubspaceAlignmentAdapter(n_components=DIM)
        if name == "SA"
        else skada.TransferComponentAnalysisAdapter(kernel="linear", n_components=30, mu=1.0)
    )
    X, sample_domain = source_target_merge(Xs, Xt)
    y = np.concatenate([np.unique(ys, return_inverse=True)[1], np.full(len(Xt), -1)])
    skada.make_da_pipeline(adapter, SVC(kernel="linear")).fit(X, y, sample_domain=sample_domain)


# -- one case, in this process


def measure(method: str, form: str, clips: int, histograms: int) -> dict:
    """Processor time (the least of a few) and peak memory of one case."""
    Xs, ys, Xt = domains(clips, histograms)
    model = getattr(adaptation, method)(**({"solver": "converged"} if form == "converged" else {}))
    points = model.grid(len(Xs), len(Xt), "paper")
    work = {
        "ours": lambda: model.fit(Xs, ys, Xt),
        "converged": lambda: model.fit(Xs, ys, Xt),
        "grid": lambda: model.answer_grid(Xs, ys, Xt, points),
        "plain": lambda: PLAIN[method](Xs, ys, Xt),
        "tool": lambda: with_tool(method, Xs, ys, Xt),
    }[form]
    if form in ("ours", "converged", "grid"):  # what is compiled is compiled before it is timed
        small = domains(9, 85)
        model.fit(*small)
        model.answer_grid(*small, points[:1] or [{}])
    if form == "tool":  # what is imported is imported before it is timed
        with_tool(method, *domains(40, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: list[float] = []
    while not times or (sum(times) < 2 and len(times) < 5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(times), "mib": (peak - before) / 1024, "points": len(points)}


def in_own_process(method: str, form: str, clips: int = CLIPS, histograms: int = HISTOGRAMS) -> dict:
    case = json.dumps({"method": method, "form": form, "clips": clips, "histograms": histograms})
    done = subprocess.run([sys.executable, __file__, "--case", case], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def shown(value: float) -> str:
    if value >= 1:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{1000 * value:.0f} ms" if value >= 0.01 else f"{1000 * value:.1f} ms"


def print_single(names: list[str]) -> None:
    has_skada = importlib.util.find_spec("skada") is not None
    print(f"\nOne point, {CLIPS} + {CLIPS} clips × {HISTOGRAMS * BINS} columns\n")
    print("| method | here | here, converged | plain numpy | ratio | public tool | ratio | memory here |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        forms = {
            "ours": True,
            "converged": name in ("TSRG", "DRFST", "DRLS", "TGSR"),
            "plain": name in PLAIN,
            "tool": name in TOOLS and (has_skada or TOOLS[name] != "skada"),
        }
        found = {form: in_own_process(name, form) for form, wanted in forms.items() if wanted}
        seconds = {form: case["seconds"] for form, case in found.items()}
        times = {form: shown(seconds[form]) if form in seconds else "" for form in forms}
        plain = f"{seconds['plain'] / seconds['ours']:.1f}" if "plain" in seconds else ""
        # scikit-learn goes to the minimum, as `converged` does
        same = seconds.get("converged", seconds["ours"])
        tool = f"{seconds['tool'] / same:.1f}" if "tool" in seconds else ""
        named = f"{TOOLS[name]}, {times['tool']}" if "tool" in seconds else ""
        print(
            f"| {name} | {times['ours']} | {times['converged']} | {times['plain']} | {plain} | {named} | {tool} "
            f"| {found['ours']['mib']:.0f} MiB |",
            flush=True,
        )


def print_growth() -> None:
    print("\nOne point as the data grow: clips of each domain × columns\n")
    print("| method | 71 × 5015 | 71 × 15045 | 142 × 15045 |\n|---|---|---|---|")
    for name in METHODS:
        cells = [in_own_process(name, "ours", clips, h)["seconds"] for clips, h in ((71, 85), (71, 255), (142, 255))]
        print(f"| {name} | {' | '.join(map(shown, cells))} |", flush=True)


def print_grids(names: list[str]) -> None:
    print(f"\nWhole grids of the papers, {CLIPS} + {CLIPS} clips × {HISTOGRAMS * BINS} columns\n")
    print("| method | points | time | a point | memory |\n|---|---|---|---|---|")
    for name in names:
        done = in_own_process(name, "grid")
        each = shown(done["seconds"] / done["points"])
        print(f"| {name} | {done['points']} | {shown(done['seconds'])} | {each} | {done['mib']:.0f} MiB |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--single", nargs="*", choices=METHODS, help="one point of these methods alone")
    parser.add_argument("--grids", nargs="*", choices=METHODS, help="whole grids of these methods alone")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(**json.loads(arguments.case))))
    elif arguments.grids is not None:
        print_grids(arguments.grids)
    elif arguments.single is not None:
        print_single(arguments.single)
    else:
        print_single(list(METHODS))
        print_growth()
        print_grids(["TCA", "GFK", "SA", "STM", "TKL", "DRLS", "RSTR", "TSRG", "DRFST", "TGSR"])


if __name__ == "__main__":
    main()
