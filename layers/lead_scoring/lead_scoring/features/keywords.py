"""The words that matter in a lead, by group, and one pass over a text's words to count them.

An entry of two words is a phrase. The lists are editorial: common words of job postings and
business leads, in English with the commonest of German, French and Spanish.
"""

from typing import NamedTuple


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


def _lexicon() -> dict[str, tuple[int, dict[str, int]]]:
    """Return for each first word its own group (-1: none) and the groups of phrases it starts."""
    entries: dict[str, tuple[int, dict[str, int]]] = {}
    for number, group in enumerate(GROUPS):
        for term in group.terms:
            word, _, second = term.partition(" ")
            own, phrases = entries.get(word, (-1, {}))
            if second:
                phrases[second] = number
            else:
                own = number
            entries[word] = (own, phrases)
    return entries


_LEXICON = _lexicon()


def count_keywords(words: list[str]) -> list[int]:
    """Return the hits of each group, in the order of GROUPS; every occurrence counts.

    >>> count_keywords(["competitive", "pay", "full", "time", "python"])
    [2, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0]
    """
    hits = [0] * len(GROUPS)
    lexicon = _LEXICON
    last = len(words) - 1
    for position in [place for place, word in enumerate(words) if word in lexicon]:
        own, phrases = lexicon[words[position]]
        if own >= 0:
            hits[own] += 1
        if phrases and position < last:
            group = phrases.get(words[position + 1], -1)
            if group >= 0:
                hits[group] += 1
    return hits
