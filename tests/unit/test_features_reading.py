import re

from hypothesis import given
from hypothesis import strategies as st

from lead_scoring.features.reading import TOKEN_PATTERN, read, words_of


@given(st.text(st.sampled_from("aB1_+# ,.\n\tc\x00é木"), max_size=20))
def test_words_are_those_that_the_pattern_finds(text: str) -> None:
    expected = re.findall(TOKEN_PATTERN, text.lower())

    assert read(text).words == words_of(text) == expected


def test_no_word_begins_with_a_sign() -> None:
    assert read("#1 +49 c++ c# a #+b").words == ["1", "49", "c++", "c#", "a", "b"]
    assert read("+1 of").words == ["1", "of"]
    assert read("a #b").words == ["a", "b"]
