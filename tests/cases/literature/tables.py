"""All tables of definitions, and how long their axes are."""

from __future__ import annotations

from cases.literature import decisions, likelihoods, losses, models, networks
from cases.literature.row import Row

TABLES: dict[str, list[Row]] = {
    "regression": models.REGRESSION,
    "classification": models.CLASSIFICATION,
    "factors": models.FACTORS,
    "densities": likelihoods.DENSITIES,
    "mixtures": likelihoods.MIXTURES,
    "units": networks.UNITS,
    "layers": networks.LAYERS,
    "sequences": networks.SEQUENCES,
    "graphs": networks.GRAPHS,
    "classes": losses.CLASSES,
    "pairs": losses.PAIRS,
    "words": losses.WORDS,
    "generative": losses.GENERATIVE,
    "policies": decisions.POLICIES,
    "steps": decisions.STEPS,
}

SIZES = {
    "n": 3, "m": 4, "N": 5, "C": 7, "D": 3, "d": 2, "k": 2, "K": 4, "M": 2, "p": 3, "q": 2, "r": 2,
    "U": 4, "I": 3, "T": 5, "H": 2, "h": 2, "V": 6,
}  # fmt: skip
"""How long an axis is, unless a row says otherwise; no two of one definition are equal."""
