"""What one piece of feedback says about a lead, and how far it can be trusted."""

import math

from .entities.feedback import Interaction
from .errors import Fault, InvalidInputError

_EXTENDED_VIEW_SECONDS = 300
_NORMAL_VIEW_SECONDS = 120
_QUICK_ARCHIVE_SECONDS = 30

# By what was done: without a rating, and with one.
_TRUST = {
    "view": (0.50, 0.85),
    "archive": (0.60, 0.88),
    "contact, outcome unknown": (0.70, 0.91),
    "rate": (0.94, 0.94),
    "contact, outcome known": (0.90, 0.97),
    "convert": (1.00, 1.00),
}
_TRUST_IN_SOURCE = {"manual": 1.0, "implicit": 0.7}
_TRUST_WITHOUT_DURATION = 0.9
_TRUST_IN_THE_IMPLAUSIBLE = 0.5
# Of 28,221 timed views in real sessions (Deskdrop), 9 % last 0 seconds and 8 % 1 second: mostly
# two events of one click, and not a look. From 2 seconds on their numbers fall smoothly.
_SHORTEST_VIEW_SECONDS = 2
_LONGEST_WORK_SECONDS = 3_600
_LEFT_OPEN_SECONDS = 4 * 3_600
# Of 28,740 real sessions one has more, and that is a click that was repeated; the next ones, of up
# to 81 actions, are working days.
_MOST_ACTIONS = 100
_ACTIONS_OF_A_MACHINE = 500
_DECIMALS = 4


def target_score(interaction: Interaction) -> float:
    """Return what an interaction says about its lead, in [0, 1]: the first rule that applies.

    | interaction | target |
    |---|---|
    | `user_rating` given | rating / 100 |
    | convert | 1.0 |
    | contact: successful | 0.9 |
    | contact: else answered (`contact_response_seconds` given) | 0.8 |
    | contact: else unsuccessful; outcome unknown | 0.6; 0.7 |
    | view: over 300 s; over 120 s | 0.7; 0.5 |
    | view: up to 120 s; unknown duration | 0.3 rising linearly to 0.5; 0.4 |
    | archive: under 30 s; otherwise | 0.1 rising linearly to 0.3; 0.3 |

    Raises InvalidInputError for `rate` without a rating.

    >>> target_score(Interaction(1, "view", interaction_seconds=60))
    0.4
    """
    if interaction.user_rating is not None:
        return interaction.user_rating / 100
    if interaction.action_type == "convert":
        return 1.0
    if interaction.action_type == "contact":
        return _target_of_contact(interaction)
    if interaction.action_type == "view":
        return _target_of_view(interaction.interaction_seconds)
    if interaction.action_type == "archive":
        return _target_of_archive(interaction.interaction_seconds)
    raise InvalidInputError((Fault("/user_rating", "is required where action_type is rate"),))


def _target_of_contact(interaction: Interaction) -> float:
    if interaction.contact_successful:
        return 0.9
    if interaction.contact_response_seconds is not None:
        return 0.8
    return 0.7 if interaction.contact_successful is None else 0.6


def _target_of_view(seconds: float | None) -> float:
    if seconds is None:
        return 0.4
    if seconds > _EXTENDED_VIEW_SECONDS:
        return 0.7
    return _rising(0.3, 0.5, seconds / _NORMAL_VIEW_SECONDS)


def _target_of_archive(seconds: float | None) -> float:
    return 0.3 if seconds is None else _rising(0.1, 0.3, seconds / _QUICK_ARCHIVE_SECONDS)


def _rising(low: float, high: float, share: float) -> float:
    return high if share >= 1 else round(low + (high - low) * share, 6)


def confidence(interaction: Interaction, source: str, actions_in_session: int = 1) -> float:
    """Return how far feedback can be trusted, in [0, 1], to four decimals.

    | what was done | without a rating | with one |
    |---|---|---|
    | view | 0.50 | 0.85 |
    | archive | 0.60 | 0.88 |
    | contact, outcome unknown | 0.70 | 0.91 |
    | rate | | 0.94 |
    | contact, outcome known (success, failure or a response time) | 0.90 | 0.97 |
    | convert | 1.00 | 1.00 |

    times each of

    | circumstance | factor |
    |---|---|
    | source: manual; implicit | 1; 0.7 |
    | plausible duration: up to 1 hour, of a view from 2 seconds | 1 |
    | no duration | 0.9, but 1 of a conversion, which is a fact however long it took |
    | shorter view: falls linearly to 0 seconds (all else may take one click) | to 0.5 |
    | longer: falls linearly to 4 hours, as if left open, and stays there | to 0.5 |
    | up to 100 actions in the session | 1 |
    | more: falls with their logarithm to 500, as of a machine, and stays there | to 0.5 |

    So it is 1.0 only for a manual conversion with nothing implausible about it.

    >>> call = Interaction(1, "contact", contact_successful=True, interaction_seconds=180)
    >>> confidence(call, "manual"), confidence(call, "implicit")
    (0.9, 0.63)
    >>> confidence(Interaction(1, "view", interaction_seconds=86_400), "implicit")
    0.175
    """
    without_rating, with_rating = _TRUST[_kind(interaction)]
    trust = without_rating if interaction.user_rating is None else with_rating
    factors = (
        _TRUST_IN_SOURCE[source],
        _trust_in_duration(interaction),
        _at_least_half(_share_of_a_person(actions_in_session)),
    )
    return round(trust * math.prod(factors), _DECIMALS)


def _kind(interaction: Interaction) -> str:
    if interaction.action_type != "contact":
        return interaction.action_type
    outcome = (interaction.contact_successful, interaction.contact_response_seconds)
    return f"contact, outcome {'unknown' if outcome == (None, None) else 'known'}"


def _trust_in_duration(interaction: Interaction) -> float:
    seconds, action = interaction.interaction_seconds, interaction.action_type
    if seconds is None:
        return 1.0 if action == "convert" else _TRUST_WITHOUT_DURATION
    long_enough = seconds / _SHORTEST_VIEW_SECONDS if action == "view" else 1.0
    short_enough = (_LEFT_OPEN_SECONDS - seconds) / (_LEFT_OPEN_SECONDS - _LONGEST_WORK_SECONDS)
    return _at_least_half(min(long_enough, short_enough))


def _share_of_a_person(actions_in_session: int) -> float:
    excess = math.log(max(1, actions_in_session) / _MOST_ACTIONS)
    return 1 - excess / math.log(_ACTIONS_OF_A_MACHINE / _MOST_ACTIONS)


def _at_least_half(plausible: float) -> float:
    """Return a factor from 0.5 (nothing is plausible) to 1 (all is).

    >>> _at_least_half(-1), _at_least_half(0.5), _at_least_half(2)
    (0.5, 0.75, 1.0)
    """
    share = min(1.0, max(0.0, plausible))
    return _TRUST_IN_THE_IMPLAUSIBLE + (1 - _TRUST_IN_THE_IMPLAUSIBLE) * share
