"""The first and the last part of a report: which model this is, in short, and in all figures."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.report_facts import Facts
from infra.report_html import NONE, Section, Table, count, day, day_and_time, note, share, text
from infra.report_metrics import cards, metrics_table

FEW_LEADS = 200


def header(facts: Facts) -> str:
    """Return which model this is, when it was made of what, and whether it answers."""
    record, card = facts.record, facts.card
    verdict = card.get("promotion_verdict") or {}
    state = "active" if facts.is_active else "not active"
    rows = (
        ("Made", day_and_time(record.created_at)),
        ("Trained on", _window(card["training_window"])),
        ("Tried on", f"{_window(card['holdout_window'])}: newer leads that it had never seen"),
        ("Leads", card.get("data_name") or "what is kept of scores, feedback and outcomes"),
        ("Compared with", verdict.get("compared_with") or NONE),
    )
    told = "".join(f"<div><dt>{text(name)}</dt><dd>{text(what)}</dd></div>" for name, what in rows)
    return (
        f"<header><p class=kind>Lead scoring: model report</p>"
        f'<h1>{text(record.model_version)} <span class="{state.replace(" ", "-")}">{state}</span>'
        f"</h1><p>{text(facts.standing)}</p><dl class=facts>{told}</dl>"
        f"<p class=verdict><strong>Verdict at its training:</strong>"
        f" {text(verdict.get('text') or 'none was kept')}</p></header>"
    )


def in_short(facts: Facts) -> Section:
    """Return the figures that matter first."""
    leads = len(facts.targets)
    parts = [cards(facts.card)]
    if leads < FEW_LEADS:
        few = f"Only {count(leads, 'lead')} in the holdout: every figure and curve here is rough."
        parts.insert(0, note(few))
    return Section(
        "summary",
        "In short",
        f"Measured on the {count(leads, 'newest lead')}, which the model had not seen. An interval"
        " says where the figure would be, 95 times in 100, on other leads of the same kind.",
        parts,
    )


def all_figures(facts: Facts) -> Section:
    """Return every figure, and how the model was made."""
    record, card = facts.record, facts.card
    chosen = [
        ("features", f"{record.feature_count:,}"),
        ("leads trained on", f"{record.training_samples:,}"),
        ("leads tried on", f"{record.validation_samples:,}"),
        ("outcomes known until", day_and_time(record.trained_until)),
        ("training took", f"{record.training_duration:.0f} s"),
        ("size", f"{record.size_bytes / 1e6:.2f} MB"),
        ("log loss in cross-validation", f"{card['cross_validated_log_loss']:.3f}"),
        ("calibration", str(card.get("calibration", {}).get("kind", NONE))),
        ("fingerprint of the data", str(record.data_fingerprint)[:12]),
        *sorted((name, str(value)) for name, value in card["hyperparameters"].items()),
    ]
    return Section(
        "figures",
        "All figures",
        "What the card of the model says, and how it was made.",
        (metrics_table(card), Table("How it was made", ("what", "value"), chosen).html()),
    )


def _window(window: Mapping[str, Any]) -> str:
    first, last = (day(datetime.fromisoformat(window[end])) for end in ("from", "to"))
    rate = window["positives"] / window["leads"] if window["leads"] else None
    return f"{count(window['leads'], 'lead')}, {first} to {last}, {share(rate)} of them converted"
