"""The plain implementation: a frame, a ColumnTransformer, an XGBClassifier, pred_contribs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from .lead_columns import lead_columns, raw_frame

# The default hyperparameters of the product's domain.
DEFAULT_PARAMETERS = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "max_depth": 6,
    "learning_rate": 0.1,
    "n_estimators": 100,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "random_state": 42,
}
HISTORY_KEYS = ["category", "location", "category_location", "similar"]
ONE_HOT = ["main_category", "subcategory", "state"]
REASONS_SHOWN = 10


def feature_transformer(
    numbers: list[str], title_terms: int, description_terms: int
) -> ColumnTransformer:
    """Return the unfitted transformer; `numbers` are the columns that it takes as they are."""
    # A dense result, because XGBoost would read the absent entries of a sparse one as missing.
    return ColumnTransformer(
        [
            ("title", TfidfVectorizer(max_features=title_terms, stop_words="english"), "title"),
            (
                "description",
                TfidfVectorizer(max_features=description_terms, stop_words="english"),
                "description",
            ),
            ("category", OneHotEncoder(handle_unknown="ignore", min_frequency=20), ONE_HOT),
            ("number", "passthrough", numbers),
        ],
        sparse_threshold=0.0,
    )


def fit_history(
    columns: pd.DataFrame, targets: NDArray[np.float64]
) -> tuple[dict[str, tuple[pd.Series, pd.Series]], float, NDArray[np.float64]]:
    """Return cases and rate of each value of HISTORY_KEYS, the mean rate, and the rows' own rates.

    Those of the rows are out of fold.
    """
    out_of_fold = KFold(5, shuffle=True, random_state=42)
    encoder = TargetEncoder(target_type="continuous", smooth=20.0, cv=out_of_fold)
    rates = encoder.fit_transform(columns[HISTORY_KEYS], targets)
    # Look-ups from here on: to encode one row the encoder itself takes 20 ms.
    history = {
        key: (columns[key].value_counts(), pd.Series(encodings, categories))
        for key, categories, encodings in zip(
            HISTORY_KEYS, encoder.categories_, encoder.encodings_, strict=True
        )
    }
    return history, float(encoder.target_mean_), rates


class PlainScorer:
    """Scores leads given as JSON-like mappings, the way most teams would write it.

    `title_terms` and `description_terms` bound the two vocabularies; `threads` is for
    training, serving always takes one.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        title_terms: int = 100,
        description_terms: int = 200,
        threads: int = 2,
    ) -> None:
        self.parameters = {**DEFAULT_PARAMETERS, **(parameters or {})}
        self._terms = (title_terms, description_terms)
        self._threads = threads

    def fit(
        self,
        leads: Sequence[Mapping[str, Any]],
        moments: Sequence[Any],
        targets: NDArray[np.float64],
    ) -> "PlainScorer":
        """Learn from leads, the moment each is scored for, and what became of them (0 or 1)."""
        columns = lead_columns(raw_frame(leads, moments))
        self._history, self._mean_rate, rates = fit_history(columns, targets)
        columns = self._with_history(columns)
        columns[[f"{key}_rate" for key in HISTORY_KEYS]] = rates
        skipped = {"title", "description", *HISTORY_KEYS, *ONE_HOT}
        numbers = [name for name in columns.columns if name not in skipped]
        self._transformer = feature_transformer(numbers, *self._terms)
        features = self._transformer.fit_transform(columns, targets)
        self._names = list(self._transformer.get_feature_names_out())
        model = xgboost.XGBClassifier(**self.parameters, n_jobs=self._threads)
        model.fit(features, targets.astype(int))
        self._booster = model.get_booster()
        self._booster.set_param({"nthread": 1})
        return self

    def _with_history(self, columns: pd.DataFrame) -> pd.DataFrame:
        for key, (counts, rates) in self._history.items():
            columns[f"{key}_cases"] = columns[key].map(counts).fillna(0)
            columns[f"{key}_rate"] = columns[key].map(rates).fillna(self._mean_rate)
        return columns

    def _matrix(self, leads: Sequence[Mapping[str, Any]], moments: Sequence[Any]) -> Any:
        columns = self._with_history(lead_columns(raw_frame(leads, moments)))
        return xgboost.DMatrix(self._transformer.transform(columns), nthread=1)

    def probabilities(
        self, leads: Sequence[Mapping[str, Any]], moments: Sequence[Any]
    ) -> NDArray[np.float64]:
        """Return the probability of each lead, shape (n,), in the order given."""
        return np.asarray(self._booster.predict(self._matrix(leads, moments)), dtype=float)

    def score(
        self, leads: Sequence[Mapping[str, Any]], moments: Sequence[Any], *, explain: bool = True
    ) -> list[dict[str, Any]]:
        """Return one answer a lead: probability, score, and with `explain` its largest reasons."""
        matrix = self._matrix(leads, moments)
        probabilities = self._booster.predict(matrix)
        answers = [
            {
                "lead_id": lead.get("lead_id"),
                "probability": float(probability),
                "score": round(100 * float(probability)),
                "confidence": float(max(probability, 1 - probability)),
            }
            for lead, probability in zip(leads, probabilities, strict=True)
        ]
        if explain:
            contributions = self._booster.predict(matrix, pred_contribs=True)
            grouped = self._by_label(contributions[:, :-1])
            for answer, effects, base in zip(
                answers, grouped.to_numpy(), contributions[:, -1], strict=True
            ):
                answer.update(_explanation(list(grouped.columns), effects, float(base)))
        return answers

    def _by_label(self, effects: NDArray[np.float32]) -> pd.DataFrame:
        """Sum effects by what a person can read: all terms of a text together, and so on."""
        labels = [_label(name) for name in self._names]
        return pd.DataFrame(effects, columns=self._names).T.groupby(labels).sum().T

    def save(self, folder: Path) -> None:
        """Write what a serving process loads: joblib for the transformer, UBJSON for the trees."""
        folder.mkdir(parents=True, exist_ok=True)
        fitted = self._transformer, self._history, self._mean_rate, self._names
        joblib.dump(fitted, folder / "transformer.joblib")
        self._booster.save_model(folder / "model.ubj")

    @classmethod
    def load(cls, folder: Path) -> "PlainScorer":
        """Read what `save` wrote; the file must be trusted, for joblib is pickle."""
        scorer = cls()
        scorer._transformer, scorer._history, scorer._mean_rate, scorer._names = joblib.load(
            folder / "transformer.joblib"
        )
        scorer._booster = xgboost.Booster({"nthread": 1})
        scorer._booster.load_model(folder / "model.ubj")
        return scorer


def _label(name: str) -> str:
    family, _, column = name.partition("__")
    if family in ("title", "description"):
        return f"{family} terms".title()
    if family == "category":
        column = next(key for key in ONE_HOT if column.startswith(key))
    return column.replace("_", " ").title()


def _explanation(labels: list[str], effects: NDArray[np.float32], base: float) -> dict[str, Any]:
    largest = np.argsort(-np.abs(effects))[:REASONS_SHOWN]
    reasons = [
        {
            "feature": labels[i],
            "effect": float(effects[i]),
            "direction": "raises" if effects[i] > 0 else "lowers",
        }
        for i in largest
    ]
    total = float(np.abs(effects).sum()) or 1.0
    margin = base + float(effects.sum())
    rest = margin - base - sum(reason["effect"] for reason in reasons)
    importance = {reason["feature"]: abs(reason["effect"]) / total for reason in reasons}
    reasons.append(
        {
            "feature": "Other features",
            "effect": rest,
            "direction": "raises" if rest > 0 else "lowers",
        }
    )
    return {
        "reasons": reasons,
        "base_effect": base,
        "margin": margin,
        "feature_importance": importance,
    }
