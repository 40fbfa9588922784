"""The perspective relaxation: real multiplicities, solved in float64 by column generation.

Types are partitioned into groups, and group S has capacity k_S: Σ_{t∈S} m_t = k_S. With real m_t ≥ 0 the penalty
Σ_{t∈S} ‖g_t‖²/m_t has the minimum (Σ_{t∈S} ‖g_t‖)²/k_S (Cauchy and Schwarz), reached at m_t = k_S ‖g_t‖/Σ‖g‖. Writing
g_t = θ_a a with atoms a of norm 1, the relaxation is

    minimise Σ_u w_u (b + Σ θ_a s_a a(u) − y_u)² + Σ_S (λ/k_S)(Σ_{a∈S} θ_a)²  over θ ≥ 0 and all atoms,

a non-negative least-squares problem over the atoms found so far. Its residual z prices all types: κ_t is the squared
norm of the projection of −s z onto the cone, that projection is the best new atom of the type, and
L(z) − (1/λ) Σ_S k_S max_{t∈S} κ_t is a lower bound (:mod:`exactdropout.optimum.cuts`), here in floats.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from exactdropout.optimum.cuts import kappas
from exactdropout.optimum.qp import guess
from exactdropout.optimum.unit_types import Arrangement, Floats

__all__ = ["Atoms", "Groups", "Relaxed", "relax"]

Groups = Sequence[tuple[Sequence[int], int]]
NEW_ATOMS = 6


@dataclass
class Atoms:
    """Atoms: their type, direction c and signed response, both scaled to a response of norm 1."""

    kinds: list[int] = field(default_factory=list)
    directions: list[Floats] = field(default_factory=list)
    responses: list[Floats] = field(default_factory=list)

    def take(self, keep: Sequence[int]) -> Atoms:
        """Return some of the atoms."""
        return Atoms(
            [self.kinds[i] for i in keep], [self.directions[i] for i in keep], [self.responses[i] for i in keep]
        )


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """Float solution of a relaxation: ``dual`` ≤ value ≤ ``primal``, z of the best dual, atoms and their sizes θ."""

    primal: float
    dual: float
    residual: Floats
    atoms: Atoms
    sizes: Floats


def _price(arrangement: Arrangement, groups: Groups, z: Floats) -> tuple[Floats, Floats, float]:
    """Return κ, the projections and the dual value of z."""
    kappa, x = kappas(arrangement, z)
    tops = [float(kappa[list(kinds)].max()) if len(kinds) and k else 0.0 for kinds, k in groups]
    base = float(arrangement.problem.noise) - float(arrangement.weights @ (2 * z * arrangement.labels + z * z))
    spent = sum(k * top for (_, k), top in zip(groups, tops, strict=True))
    return kappa, x, base - spent / float(arrangement.problem.penalty)


def relax(
    arrangement: Arrangement,
    groups: Groups,
    atoms: Atoms,
    target: float,
    rounds: int = 200,
    precision: float = 1e-11,
    deadline: float = math.inf,
) -> Relaxed:
    """Solve the relaxation from some atoms; stops early when the dual exceeds ``target``, or after ``deadline``."""
    a = arrangement
    weights, labels, penalty = a.weights, a.labels, float(a.problem.penalty)
    home = {t: g for g, (kinds, k) in enumerate(groups) if k for t in kinds}
    atoms = atoms.take([i for i, t in enumerate(atoms.kinds) if t in home])
    centre = a.problem.architecture.output_bias
    middle = float(weights @ labels) if centre else 0.0
    scale = float(a.problem.noise) + float(weights @ (labels * labels))
    best_dual, best_z, primal = -np.inf, np.zeros(len(labels)), np.inf
    theta = np.zeros(0)
    stalled = 0
    for _ in range(rounds):
        theta, z, primal = _master(atoms, groups, home, weights, labels, middle, centre, penalty)
        primal += float(a.problem.noise)
        kappa, x, dual = _price(a, groups, z)
        stalled = 0 if dual > best_dual + 1e-13 * scale else stalled + 1
        if dual > best_dual:
            best_dual, best_z = dual, z
        if best_dual > target or primal - best_dual <= precision * scale or stalled > 12 or time.monotonic() > deadline:
            break
        keep = np.flatnonzero(theta > 0)
        atoms, theta = atoms.take(keep.tolist()), theta[keep]
        owner = np.array([home[t] for t in atoms.kinds], dtype=np.int64)
        added = False
        for g, (kinds, k) in enumerate(groups):
            if not k or not kinds:
                continue
            used = float(theta[owner == g].sum()) if len(theta) else 0.0
            threshold = (penalty * used / k) ** 2
            order = sorted(kinds, key=lambda t: -kappa[t])[:NEW_ATOMS]
            for t in order:
                if kappa[t] > threshold * (1 + 1e-14) + 1e-300 and kappa[t] > 0:
                    i = a.cone(t)
                    size = 1 / np.sqrt(kappa[t])
                    count = a.counts[i]
                    coefficients = x[t, :count] * size
                    atoms.kinds.append(t)
                    atoms.directions.append(coefficients @ a.directions[i, :count])
                    atoms.responses.append(a.sign(t) * (coefficients @ a.table[i, :count]))
                    added = True
        if not added:
            break
    if len(theta) != len(atoms.kinds):
        theta = np.concatenate([theta, np.zeros(len(atoms.kinds) - len(theta))])
    keep = np.flatnonzero(theta > 0)
    return Relaxed(
        primal=primal, dual=float(best_dual), residual=best_z, atoms=atoms.take(keep.tolist()), sizes=theta[keep]
    )


def _master(
    atoms: Atoms,
    groups: Groups,
    home: dict[int, int],
    weights: Floats,
    labels: Floats,
    middle: float,
    centre: bool,
    penalty: float,
) -> tuple[Floats, Floats, float]:
    """Return θ, the residual and the criterion (without noise) of the problem restricted to the atoms."""
    if not atoms.kinds:
        z = middle - labels
        return np.zeros(0), z, float(weights @ (z * z))
    values = np.array(atoms.responses)
    means = values @ weights if centre else np.zeros(len(values))
    centred = values - means[:, None]
    owner: npt.NDArray[np.int64] = np.array([home[t] for t in atoms.kinds], dtype=np.int64)
    rate = np.array([penalty / max(k, 1) for _, k in groups])
    gram = (centred * weights) @ centred.T
    gram += np.where(owner[:, None] == owner[None, :], rate[owner][:, None], 0.0)
    linear = centred @ (weights * (labels - middle))
    theta = guess(gram, linear, len(values))
    z = middle - float(theta @ means) + theta @ values - labels
    sums = np.bincount(owner, weights=theta, minlength=len(groups))
    return theta, z, float(weights @ (z * z) + (rate * sums**2).sum())
