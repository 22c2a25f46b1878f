"""The words that matter in a lead, by group, and how often a text has them.

An entry of two words is a phrase. The lists are editorial: common words of job postings and
business leads, in English with the commonest of German, French and Spanish.
"""

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lexicon import Lexicon, Occurrences


class Group(NamedTuple):
    """A group of keywords: machine name, what people call it, its words and phrases."""

    name: str
    label: str
    terms: tuple[str, ...]


def _terms(text: str) -> tuple[str, ...]:
    return tuple(term.strip() for term in text.split(","))


GROUPS = (
    Group(
        "salary",
        "Salary Keywords",
        _terms(
            "salary, salaries, compensation, pay, paid, wage, wages, bonus, bonuses, commission, "
            "commissions, hourly, ote, equity, stipend, competitive, per hour, per year, "
            "per annum, base rate, sign on, signing bonus, gehalt, vergütung, salaire, salario, "
            "sueldo, budget, earn, earnings, income"
        ),
    ),
    Group(
        "experience",
        "Experience Keywords",
        _terms(
            "experience, experienced, expert, expertise, proven, seasoned, background, "
            "years, yrs, qualified, skilled, certified, licensed, degree, bachelor, master, phd, "
            "mba, track record, erfahrung, expérience, experiencia"
        ),
    ),
    Group(
        "technology",
        "Technology Keywords",
        _terms(
            "python, java, javascript, typescript, react, angular, vue, node, golang, rust, c++, "
            "c#, php, ruby, scala, kotlin, swift, sql, nosql, postgresql, mysql, mongodb, oracle, "
            "aws, azure, gcp, cloud, kubernetes, docker, terraform, linux, devops, sre, api, "
            "microservices, software, developer, programmer, engineer, engineering, data, "
            "database, dba, analytics, ai, ml, nlp, llm, algorithm, algorithms, cybersecurity, "
            "security, network, networking, saas, sap, salesforce, erp, crm, fullstack, "
            "frontend, backend, ios, android, mobile, web, qa, automation, robotics, blockchain, "
            "spark, hadoop, tableau, excel, machine learning, deep learning, full stack, "
            "front end, back end, data science, artificial intelligence, power bi, tech, "
            "technology, it, dotnet, entwickler, développeur, desarrollador"
        ),
    ),
    Group(
        "urgency",
        "Urgency Keywords",
        _terms(
            "urgent, urgently, asap, immediate, immediately, now, today, tonight, tomorrow, quick, "
            "quickly, fast, hurry, deadline, hiring now, start immediately, right away, "
            "as soon, rush, emergency, dringend, sofort, inmediato, urgente"
        ),
    ),
    Group(
        "quality",
        "Quality Keywords",
        _terms(
            "leading, leader, award, established, professional, growth, growing, career, "
            "opportunity, training, mentorship, innovative, innovation, permanent, flexible, "
            "flexibility, culture, diversity, inclusion, funded, global, international, "
            "long term, fortune 500, work life, equal opportunity, please, thank, thanks, "
            "grateful, appreciate, appreciated"
        ),
    ),
    Group(
        "benefits",
        "Benefits Keywords",
        _terms(
            "benefits, insurance, medical, dental, vision, 401k, 401, pension, pto, vacation, "
            "holidays, leave, parental, maternity, reimbursement, retirement, disability, "
            "tuition, wellness, perks, sick days, health insurance"
        ),
    ),
    Group(
        "red_flags",
        "Red Flag Keywords",
        _terms(
            "unpaid, scam, mlm, pyramid, volunteer, guaranteed, unlimited, crypto, bitcoin, "
            "gratis, free, cheap, cash, easy money, wire transfer, no experience, upfront fee, "
            "get rich, be your, own boss, work whenever, passive income, network marketing, "
            "door to, gift card, western union, rockstar, ninja, unverified"
        ),
    ),
    Group("full_time", "Employment Type", _terms("fulltime, full time, vollzeit, permanent role")),
    Group("part_time", "Employment Type", _terms("parttime, part time, teilzeit, per diem, prn")),
    Group(
        "temporary",
        "Employment Type",
        _terms(
            "contract, contractor, temporary, temp, seasonal, freelance, freelancer, interim, "
            "fixed term, befristet"
        ),
    ),
    Group("internship", "Employment Type", _terms("internship, intern, praktikum, apprentice")),
)

# 0 intern, 1 entry, 2 middle, 3 senior, 4 lead or manager, 5 director, 6 vice president, 7 chief.
SENIORITY = {
    word: level
    for level, words in enumerate(
        (
            "intern internship trainee apprentice praktikant student",
            "entry junior jr graduate assistant helper beginner associate",
            "mid intermediate ii experienced",
            "senior sr iii specialist advanced expert",
            "lead principal staff manager supervisor architect iv mgr foreman leiter",
            "director head",
            "vp svp evp avp president",
            "chief ceo cto cfo coo cio cmo ciso founder owner partner executive",
        )
    )
    for word in words.split()
}


TERMS = (*chain.from_iterable(group.terms for group in GROUPS), *SENIORITY)


class Keywords:
    """The keywords as numbers of a lexicon that has TERMS."""

    def __init__(self, lexicon: Lexicon, kinds: int = 1) -> None:
        """Look the keywords up, for so many kinds of texts."""
        # The first column is for whatever is no keyword.
        columns, levels = np.zeros(lexicon.size, np.intp), np.full(lexicon.size, np.nan)
        for number, group in enumerate(GROUPS):
            columns[lexicon.numbers(group.terms)] = 1 + number
        levels[lexicon.numbers(tuple(SENIORITY))] = list(SENIORITY.values())
        self._column_of, self._level_of = np.tile(columns, kinds), np.tile(levels, kinds)

    def count(self, found: Occurrences) -> NDArray[np.float64]:
        """Return for each text its highest seniority and the hits of each group of GROUPS.

        Every occurrence is a hit; a text that names no seniority has NaN. The shape is (texts, 12).

        >>> lexicon = Lexicon.of(TERMS)
        >>> found = lexicon.find([["competitive", "pay"], ["full", "time", "director"]])
        >>> Keywords(lexicon).count(found)[:, [0, 1, 8]]
        array([[nan,  2.,  0.],
               [ 5.,  0.,  1.]])
        """
        count, columns = len(found.starts), 1 + len(GROUPS)
        cells = found.texts * columns + self._column_of.take(found.slots)
        hits = np.bincount(cells, found.counts, count * columns)
        # Of no texts at all the hits are whole numbers.
        values = hits.reshape(count, columns).astype(np.float64, copy=False)
        values[:, 0] = np.fmax.reduceat(self._level_of.take(found.slots), found.starts)
        return values

    def tell(self, facts: NDArray[Any]) -> None:
        """Write groups and levels where `FewWords` reads them."""
        facts["group"] = self._column_of
        facts["seniority"] = np.nan_to_num(1 + self._level_of)
