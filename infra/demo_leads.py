"""Synthetic leads with outcomes, for trying the service before one has data of one's own.

Nothing in them is real: ids are `demo-000123`, companies write from `.example`. They are the
same for the same seed and end, and convert by the log-odds below, which add up; so one can see
whether a model finds what is known to be there.

| what                                        | log-odds                                        |
|---------------------------------------------|-------------------------------------------------|
| kind of job                                 | -1.0 (restaurant) to +0.9 (data science)        |
| place                                       | -0.4 (small town) to +0.5 (large city)          |
| remote                                      | +0.9                                            |
| level                                       | intern -1.0, junior -0.6, lead +0.4, senior +0.5 |
| pay named in the title                      | +0.9                                            |
| pay against what is usual for job and place | +3.5 per factor of e                            |
| no pay named                                | -0.8                                            |
| benefits named                              | +0.6                                            |
| urgent                                      | +0.7                                            |
| red flags (unpaid, fees, commission only)   | -2.0                                            |
| shouted title                               | -0.9                                            |
| no description                              | -0.9                                            |
| e-mail from a company, from free mail       | +0.4, -0.6                                      |
| posted on a weekend                         | -0.4                                            |
| each day between posting and scoring        | -0.5                                            |
| everything that nobody wrote down           | normal, standard deviation 0.4                  |
"""

import argparse
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from infra import demo_vocabulary as words

DEFAULT_COUNT = 6000
SEED = 20240101
SPAN_DAYS = 120
# Chosen so that a quarter of all leads converts.
INTERCEPT = -1.45
PAY_SLOPE = 3.5
NOISE = 0.4
SECONDS_A_DAY = 86_400


class DemoLead(NamedTuple):
    """A lead as one would send it, its outcome if known by the end, and its true log-odds."""

    lead: dict[str, Any]
    outcome: dict[str, Any] | None
    log_odds: float


def demo_leads(
    count: int = DEFAULT_COUNT, end: datetime | None = None, seed: int = SEED
) -> Iterator[DemoLead]:
    """Make leads posted within the SPAN_DAYS before `end`, oldest first.

    `end` is last midnight by default, so that ages and months are those of leads that come in
    now. The outcome of a lead may still be open at the end, as in life.

    >>> first = next(demo_leads(end=datetime(2024, 5, 1, tzinfo=UTC)))
    >>> first.lead["lead_id"], first.lead["posted_at"][:10]
    ('demo-000001', '2024-01-02')
    """
    end = end or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    step = timedelta(days=SPAN_DAYS) / count
    for number in range(1, count + 1):
        posted_at = end - timedelta(days=SPAN_DAYS) + step * (number - chance.random())
        yield _demo_lead(number, posted_at.replace(microsecond=0), end, chance)


def _demo_lead(number: int, posted_at: datetime, end: datetime, chance: random.Random) -> DemoLead:
    job, place = chance.choice(words.JOBS), chance.choice(words.PLACES)
    company, domain = chance.choice(words.COMPANIES)
    level, level_pay, odds = chance.choice(words.LEVELS)
    odds += INTERCEPT + job.odds + place.odds
    pay, pay_odds = _pay(job.pay * level_pay * place.pay, chance)
    title, title_odds = _title(level + chance.choice(job.titles), pay, chance)
    description, text_odds = _description(job, company, chance)
    email, email_odds = _email(number, domain, chance)
    left_days = (end - posted_at).total_seconds() / SECONDS_A_DAY
    waited_days = min(3.0, chance.expovariate(1.2), left_days)
    moment = posted_at + timedelta(seconds=int(waited_days * SECONDS_A_DAY))
    odds += pay_odds + title_odds + text_odds + email_odds - 0.5 * waited_days
    odds += -0.4 if posted_at.weekday() >= 5 else 0.0
    odds += chance.gauss(0.0, NOISE)
    lead = {
        "lead_id": f"demo-{number:06d}",
        "title": title,
        "description": description,
        "category": job.category,
        "location_name": place.name,
        "price": pay,
        "email": email,
        "posted_at": _iso(posted_at),
        "scored_at": _iso(moment),
    }
    return DemoLead(lead, _outcome(lead, moment, end, odds, chance), odds)


def _pay(usual: float, chance: random.Random) -> tuple[float | None, float]:
    if chance.random() < 0.25:
        return None, -0.8
    ratio = math.exp(chance.gauss(0.0, 0.22))
    return float(round(usual * ratio, -3)), PAY_SLOPE * math.log(ratio)


def _title(name: str, pay: float | None, chance: random.Random) -> tuple[str, float]:
    if pay is not None and chance.random() < 0.3:
        low, high = round(pay * 0.95, -3), round(pay * 1.05, -3)
        return f"{name} (${low:,.0f}-${high:,.0f})", 0.9
    if chance.random() < 0.06:
        return f"{name.upper()} WANTED!!!", -0.9
    return name, 0.0


def _description(job: words.Job, company: str, chance: random.Random) -> tuple[str | None, float]:
    if chance.random() < 0.05:
        return None, -0.9
    first, second, third = chance.sample(job.skills, 3)
    if chance.random() < 0.2:
        sentences = [f"{first}, {second}, {third}."]
    else:
        sentences = _told_at_length(job, company, (first, second, third), chance)
    odds = 0.0
    for share, effect, choices in (
        (0.4, 0.6, words.BENEFIT_SENTENCES),
        (0.15, 0.7, words.URGENT_SENTENCES),
        (0.08, -2.0, words.RED_FLAG_SENTENCES),
    ):
        if chance.random() < share:
            sentences.append(chance.choice(choices))
            odds += effect
    return " ".join(sentences), odds


def _told_at_length(
    job: words.Job, company: str, skills: tuple[str, str, str], chance: random.Random
) -> list[str]:
    first, second, third = skills
    about = chance.sample(words.COMPANY_SENTENCES, chance.choice([1, 1, 1, 2]))
    return [
        *(
            sentence.format(
                company=company, years=chance.randint(2, 60), people=chance.randint(8, 900)
            )
            for sentence in about
        ),
        *chance.sample(job.duties, chance.randint(1, len(job.duties))),
        chance.choice(words.SKILL_SENTENCES).format(
            first=first, second=second, third=third, experience=chance.randint(1, 8)
        ),
    ]


def _email(number: int, domain: str, chance: random.Random) -> tuple[str | None, float]:
    draw = chance.random()
    if draw < 0.55:
        return f"hiring-{number}@{domain}", 0.4
    if draw < 0.8:
        return f"demo-{number}@{chance.choice(words.FREE_MAIL)}", -0.6
    return None, 0.0


def _outcome(
    lead: dict[str, Any], moment: datetime, end: datetime, odds: float, chance: random.Random
) -> dict[str, Any] | None:
    converted = chance.random() < 1 / (1 + math.exp(-odds))
    contacted = converted or chance.random() < 0.35
    days = min(21.0, chance.lognormvariate(1.0, 0.7))
    value = round(0.15 * lead["price"], 2) if converted and lead["price"] else None
    occurred_at = moment + timedelta(seconds=int(days * SECONDS_A_DAY))
    if occurred_at >= end:
        return None
    return {
        "lead_id": lead["lead_id"],
        "converted": converted,
        "contacted": contacted,
        "conversion_value": value,
        "occurred_at": _iso(occurred_at),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def main() -> None:
    """Write synthetic leads and outcomes as JSON Lines, as examples of the two files."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("leads", type=Path)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT)
    given = parser.parse_args()
    made = list(demo_leads(given.count))
    outcomes = [each.outcome for each in made if each.outcome]
    for file, rows in ((given.leads, [each.lead for each in made]), (given.outcomes, outcomes)):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
    print(f"{len(made)} synthetic leads, {len(outcomes)} with a known outcome")


if __name__ == "__main__":
    main()
