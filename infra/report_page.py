"""The whole page: one file that loads nothing."""

from infra import report_holdout, report_since, report_summary
from infra.report_facts import Facts
from infra.report_holdout import Tried
from infra.report_html import Section, day_and_time, text
from infra.report_style import CSS


def page(facts: Facts) -> str:
    """Return the report as HTML."""
    shown = sections(facts)
    title = f"Lead scoring: model {facts.record.model_version}"
    links = "".join(f'<li><a href="#{each.name}">{text(each.title)}</a></li>' for each in shown)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        # Not even the picture that browsers ask every site for.
        '<link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{CSS}</style></head><body>"
        f"{report_summary.header(facts)}"
        f'<nav aria-label="Parts of this report"><ul>{links}</ul></nav>'
        f"<main>{''.join(each.html() for each in shown)}</main>"
        f"<footer>Written on {text(day_and_time(facts.written_at))} by make report. It holds sums"
        " and curves over leads, and of their texts only common words.</footer></body></html>\n"
    )


def sections(facts: Facts) -> list[Section]:
    """Return the parts of the page in their order."""
    tried = Tried.of(facts)
    return [
        report_summary.in_short(facts),
        report_holdout.ranking(tried),
        report_holdout.calibration(tried),
        report_holdout.separation(tried),
        report_holdout.threshold(tried),
        report_since.importance(facts),
        report_since.drift(facts),
        report_since.feedback(facts),
        report_summary.all_figures(facts),
    ]
