#!/usr/bin/env python3
"""Makes evaluation.safetensors beside this script: the metrics of generated images by NumPy and SciPy, for tests.

    python make_evaluation.py

Inputs are random numbers rounded to float32. Each metric is its definition written out in float64; no code of tinygan takes
part. Results are float64 tensors of one element unless noted.

Inputs, (rows, 16) float32 features >= 0, as after a ReLU:
  generated (500)  reference (400)  held_out (300)   the first DUPLICATES rows of `generated` are rows of `reference`
  low_rank (200)       of rank RANK, so the covariance of each half is singular
  lattice_generated (40), lattice_reference (60)     whole numbers: many distances equal a ball's radius exactly
  logits (500, 10) of a classifier; prior (10) float64, the class probabilities of MNIST's training images

frechet/<set>_<set>             |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), covariances over n - 1
frechet_bias/<set>_<set>        (1/N1 + 1/N2) (Tr S + 1/2 sum_ij l_i l_j (1 + [i = j]) / (l_i + l_j)), S (eigenvalues l)
                                of the second set: the expected distance between two samples of one Gaussian
kid/mean, kid/standard_error    unbiased MMD^2 with the kernel (x.y/d + 1)^3 over equal consecutive blocks of KID_BLOCK
                                rows of `generated` and of `reference`, the rest dropped; sd over n - 1 / sqrt(blocks)
kid/blocks                      (blocks): MMD^2 of each block
score/mean, score/deviation     exp(mean of KL(p(y|x) || p(y))) of 10 consecutive splits of the logits; sd over n
classes/counts (10)             rows whose largest logit is that of the class
classes/kl                      sum p log(p / prior) in nats, p = counts / rows
classes/mean_confidence         mean of the largest probability
classes/unsure                  share of rows whose largest probability is below 0.9
<sets>/precision, recall        k = 3;   <sets>/density, coverage   k = 5;   <sets>: neighbours, lattice
                                of `generated` and `reference`; k-th neighbours exclude the row itself, balls are closed
memorisation/generated_median, held_out_median, ratio       of the distances to the nearest row of `reference`
memorisation/close_limit, close_share                       1st percentile (linear) of the distances of `held_out`, and
                                                            the share of `generated` below it
"""
import pathlib

import numpy as np
import scipy
from safetensors.numpy import save_file

PATH = pathlib.Path(__file__).resolve().with_name("evaluation.safetensors")
DIMENSIONS, RANK, DUPLICATES, KID_BLOCK, SPLITS = 16, 5, 6, 128, 10
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


# ---- inputs ----------------------------------------------------------------------------------------------------------

def float32(array):
    """Rounded to float32, as float64."""
    return np.asarray(array).astype(np.float32).astype(np.float64)


def features(rng, rows, mix, shift):
    return float32(np.maximum(rng.standard_normal((rows, mix.shape[0])) @ mix + shift, 0))


def make_inputs(seed):
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((8, DIMENSIONS)) * np.geomspace(1, 0.2, 8)[:, None]
    shift = rng.uniform(-0.5, 1.0, DIMENSIONS)
    other_mix = 0.9 * mix + 0.1 * rng.standard_normal(mix.shape)
    reference, held_out = (features(rng, rows, mix, shift) for rows in (400, 300))
    generated = features(rng, 500, other_mix, shift + 0.2 * rng.standard_normal(DIMENSIONS))
    # A copy of a row that is another row's third or fifth neighbour would lie on the boundary of a ball, where rounding
    # decides: only other rows are copied.
    nearest = np.argsort(distances(reference, reference), axis=1)
    generated[:DUPLICATES] = reference[np.setdiff1d(np.arange(400), nearest[:, [3, 5]])[:DUPLICATES]]
    basis = rng.uniform(0, 1, (RANK, DIMENSIONS)).round(3)
    low_rank = float32(rng.integers(0, 64, (200, RANK)) @ np.round(1024 * basis) / 65536)  # exact, so of rank RANK
    lattice = {f"lattice_{name}": rng.integers(low, low + 4, (rows, 4)) @ np.eye(4, DIMENSIONS)
               for name, low, rows in (("generated", 1, 40), ("reference", 0, 60))}

    logits = 1.5 * rng.standard_normal((500, 10))
    logits[np.arange(500), rng.choice(10, 500, p=np.arange(10) / 45)] += 7  # no row of class 0, few of class 1
    logits[:, 0] -= 6
    logits[17] = np.where(np.arange(10) == 4, 100, -100)  # exp(200) is beyond float32
    return dict(generated=generated, reference=reference, held_out=held_out, low_rank=low_rank, **lattice,
                logits=float32(logits), prior=np.array(MNIST_COUNTS) / sum(MNIST_COUNTS))


# ---- metrics ---------------------------------------------------------------------------------------------------------

def frechet(x, y):
    m1, m2, s1, s2 = x.mean(0), y.mean(0), np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    # The eigenvalues of S1 S2 = A'A B'B are the squared singular values of A B', also where S1 or S2 is singular and
    # sqrtm loses half of the digits.
    a, b = ((z - z.mean(0)) / np.sqrt(len(z) - 1) for z in (x, y))
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert abs(np.trace(scipy.linalg.sqrtm(s1 @ s2)).real / root - 1) < 1e-6
    return ((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * root


def frechet_bias(x, y):
    s = np.cov(y, rowvar=False)
    l = np.maximum(np.linalg.eigvalsh(s), 0)
    pairs = l[:, None] + l[None, :]
    terms = np.divide(l[:, None] * l[None, :], pairs, out=np.zeros_like(pairs), where=pairs > 0) * (1 + np.eye(len(l)))
    return (1 / len(x) + 1 / len(y)) * (np.trace(s) + terms.sum() / 2)


def mmd2(x, y):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_off_diagonal(k):
        n = len(k)
        return (k.sum() - np.trace(k)) / (n * (n - 1))

    return mean_off_diagonal(kernel(x, x)) + mean_off_diagonal(kernel(y, y)) - 2 * kernel(x, y).mean()


def kid(x, y):
    blocks = min(len(x), len(y)) // KID_BLOCK
    values = [mmd2(*(z[i * KID_BLOCK:(i + 1) * KID_BLOCK] for z in (x, y))) for i in range(blocks)]
    return {"kid/mean": np.mean(values), "kid/standard_error": np.std(values, ddof=1) / np.sqrt(blocks),
            "kid/blocks": values}


def score(log_p):
    def of_split(log_p):
        p = np.exp(log_p)
        return np.exp((p * (log_p - np.log(p.mean(0)))).sum(1).mean())

    values = [of_split(split) for split in np.split(log_p, SPLITS)]
    return {"score/mean": np.mean(values), "score/deviation": np.std(values)}


def classes(log_p, prior):
    counts, confidence = np.bincount(log_p.argmax(1), minlength=10), np.exp(log_p.max(1))
    p = counts / counts.sum()
    assert counts.min() == 0 and abs(confidence - 0.9).min() > 1e-5
    return {"classes/counts": counts, "classes/kl": scipy.special.rel_entr(p, prior).sum(),
            "classes/mean_confidence": confidence.mean(), "classes/unsure": (confidence < 0.9).mean()}


def distances(x, y):
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(2))


def in_balls(x, y, k):
    """(i, j): whether y_j is inside the ball around x_i that reaches to the k-th nearest other row of x."""
    own = distances(x, x)
    np.fill_diagonal(own, np.inf)
    radius = np.sort(own, axis=1)[:, k - 1:k]
    gap = abs(distances(x, y) - radius) / np.where(radius > 0, radius, 1)
    return distances(x, y) <= radius, gap


def neighbours(prefix, generated, reference):
    (inside3, gap3), (inside5, gap5) = (in_balls(reference, generated, k) for k in (3, 5))
    around_generated, gap = in_balls(generated, reference, 3)
    gaps = np.concatenate([g.ravel() for g in (gap, gap3, gap5)])
    if prefix == "lattice":
        assert (gaps == 0).sum() > 100  # here an open ball would give other results
    else:
        assert gaps.min() > 1e-5  # float32 cannot change a comparison
    return {f"{prefix}/precision": inside3.any(0).mean(), f"{prefix}/recall": around_generated.any(0).mean(),
            f"{prefix}/density": inside5.sum() / (5 * len(generated)), f"{prefix}/coverage": inside5.any(1).mean()}


def memorisation(generated, held_out, reference):
    ours, theirs = (distances(x, reference).min(1) for x in (generated, held_out))
    limit = np.percentile(theirs, 1)
    assert (ours == 0).sum() == DUPLICATES and abs(ours / limit - 1).min() > 1e-5
    return {"memorisation/generated_median": np.median(ours), "memorisation/held_out_median": np.median(theirs),
            "memorisation/ratio": np.median(ours) / np.median(theirs), "memorisation/close_limit": limit,
            "memorisation/close_share": (ours < limit).mean()}


def main():
    inputs = make_inputs(seed=21)  # of the seeds for which no comparison hangs on rounding
    x, y, low = inputs["generated"], inputs["reference"], inputs["low_rank"]
    assert np.linalg.matrix_rank(low[:100] - low[:100].mean(0)) == RANK
    log_p = scipy.special.log_softmax(inputs["logits"], axis=1)
    pairs = {"generated_reference": (x, y), "reference_held_out": (y, inputs["held_out"]),
             "low_rank_reference": (low, y), "low_rank_halves": (low[:100], low[100:])}
    results = {f"frechet/{name}": frechet(*sets) for name, sets in pairs.items()}
    results |= {f"frechet_bias/{name}": frechet_bias(*sets) for name, sets in pairs.items()}
    results |= kid(x, y) | score(log_p) | classes(log_p, inputs["prior"])
    results |= neighbours("neighbours", x, y)
    results |= neighbours("lattice", inputs["lattice_generated"], inputs["lattice_reference"])
    results |= memorisation(x, inputs["held_out"], y)
    tensors = {name: array.astype(np.float64 if name == "prior" else np.float32) for name, array in inputs.items()}
    tensors |= {name: np.atleast_1d(np.asarray(value, dtype=np.float64)) for name, value in results.items()}
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    save_file(tensors, PATH, metadata={"made_with": f"NumPy {np.__version__}, SciPy {scipy.__version__}"})
    for name, value in results.items():
        print(f"{name:34}", *np.atleast_1d(value))
    print(f"{PATH.name}: {len(tensors)} tensors, {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
