"""What is guessed first is refused, with the reason; what is long and random never is."""

import random
import string
import time
from gzip import decompress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhq_auth.errors import WeakPassword
from dhq_auth.passwords import common, patterns, rules

CONTEXT = ("Ada.Lovelace", "countess@analytical-engine.example", "Augusta King", "dhq-auth")
GOOD = "nine purple owls juggling"


def reason(password: str, *, min_length: int = 15, context: tuple[str, ...] = CONTEXT) -> str:
    """Return why *password* is refused, or `accepted`."""
    try:
        rules.check(password, min_length=min_length, context=context)
    except WeakPassword as refused:
        return refused.reason
    return "accepted"


def test_a_refusal_says_why_and_not_what() -> None:
    with pytest.raises(WeakPassword) as refused:
        rules.check("manchesterunited", min_length=15, context=())
    assert (refused.value.status, refused.value.code) == (400, "weak_password")
    assert refused.value.extra == {"reason": "common"}
    assert "guessed, most often" in refused.value.detail
    assert "manchester" not in refused.value.detail


def wide(text: str) -> str:
    """Return *text* in the full-width letters of an East Asian keyboard."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "GOOD owls NEVER sleep",
        "þú ert ekki ein hér",
        "пятнадцать синих слонов",
        "床前明月光疑是地上霜舉頭望明月",
        "🦉🐘🍕🚲🎈🌵🧲🪁🎻🧊🦔🪴🧵🫖🛶",
        "      spaces   count      ",
        "x7$kQ!m2Zr9&Lw4p",
        "0f9c2b7e6d1a4853b6e0",
        "483920175629384",
        "".join(random.Random(1).choices(string.printable[:94], k=1024)),  # noqa: S311 - a test
        "a" + "\u0308" * 3 + "bcdghqxyrstuvo",
    ],
    ids=range(13),
)
def test_whatever_is_long_enough_and_not_guessed_is_accepted(password: str) -> None:
    assert reason(password) == "accepted"


@pytest.mark.parametrize("min_length", [8, 15, 128])
def test_a_password_has_as_many_characters_as_are_demanded(min_length: int) -> None:
    password = "".join(random.Random(2).choices(string.ascii_letters, k=min_length))  # noqa: S311
    assert reason(password, min_length=min_length) == "accepted"
    with pytest.raises(WeakPassword, match=f"at least {min_length} characters") as refused:
        rules.check(password[1:], min_length=min_length, context=())
    assert refused.value.reason == "too_short"


def test_characters_are_counted_when_they_are_normalized() -> None:
    """An accent is no character of its own; an emoji is one, however many bytes it has."""
    assert reason("a\u0308e\u0308o\u0308u\u0308qzjxkvw") == "too_short"
    assert reason("äëöüqzjxkvwfhmb") == "accepted"
    assert reason("🦉🐘🍕🚲🎈🌵🧲🪁🎻🧊🦔🪴🧵🫖") == "too_short"


def test_what_is_accepted_comes_back_normalized() -> None:
    decomposed = "zwo\u0308lf boxka\u0308mpfer jagen"
    assert rules.check(decomposed, min_length=15, context=()) == "zwölf boxkämpfer jagen"
    assert rules.check("ﬁfteen ﬁne ﬁshes", min_length=15, context=()) == "ﬁfteen ﬁne ﬁshes"


def test_1024_characters_are_accepted_and_one_more_is_not() -> None:
    long = "".join(random.Random(3).choices(string.ascii_lowercase, k=1025))  # noqa: S311 - a test
    assert reason(long[:1024]) == "accepted"
    with pytest.raises(WeakPassword, match="at most 1024 characters") as refused:
        rules.check(long, min_length=15, context=())
    assert refused.value.reason == "too_long"


def test_a_huge_password_is_refused_before_anything_is_done_with_it() -> None:
    """Ordering accents takes the square of their number."""
    began = time.process_time()
    assert reason("\u0301\u0327" * 100_000) == "too_long"
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    "password", [f"{GOOD}\0", f"{GOOD}\n", f"\t{GOOD}", f"{GOOD}\x7f\x9f", f"{GOOD}\udcff\ud800"]
)
def test_control_characters_and_what_is_no_text_are_refused(password: str) -> None:
    assert reason(password) == "characters"


@pytest.mark.parametrize(
    "password",
    [
        "a" * 15,
        " " * 20,
        "é" * 1024,
        "\ufdfa" * 15,
        "ÄäÄäÄäÄäÄäÄäÄäÄä",
        "abcabcabcabcabca",
        "hunter2hunter2hunter2",
        "🦉" * 15,
        "Aa" * 512,
    ],
    ids=range(9),
)
def test_a_character_or_a_short_piece_over_and_over_is_refused(password: str) -> None:
    assert reason(password) == "repeated"


@pytest.mark.parametrize(
    "password",
    [
        "123456789012345",
        "987654321098765",
        "abcdefghijklmnop",
        "ZYXWVUTSRQPONMLK",
        "qwertyuiop12345",
        "asdfghjkl;'zxcvb",
        "1qaz2wsx3edc4rfv",
        "!QAZ@WSX#EDC$RFV",
        "1q2w3e4r5t6y7u8i",
        "1a2b3c4d5e6f7g8h",
        "123qweasdzxc!@#",
        "112233445566778",
        "aaaaaabbbbbbccc",
        "qwertzuiopasdfghjkl",
        "абвгдежзийклмно",
        wide("1234567890abcde"),
    ],
)
def test_sequences_and_rows_of_keys_are_refused(password: str) -> None:
    assert reason(password) == "sequence"


@pytest.mark.parametrize(
    "password",
    [
        "Ada.Lovelace1815",
        "ada-lovelace-123!",
        "12.12.lovelace.ada",
        "adalovelaceadalovelace",
        "ecalevol.ada1815",
        "countess@analytical-engine.example",
        "analyticalengine",
        "AnalyticalEngine2024!",
        "augusta_king_dhq-auth",
        "lovelacepassword1",
        wide("LOVELACE20242024"),
    ],
)
def test_names_of_the_user_and_of_the_service_are_refused(password: str) -> None:
    assert reason(password) == "context"


@pytest.mark.parametrize(
    "password",
    ["ada likes green trees", "my king is a pawn, today", "ada839201748392", "xkingqzvwjmbpaugust"],
)
def test_a_name_within_something_longer_is_no_harm(password: str) -> None:
    assert reason(password) == "accepted"


@pytest.mark.parametrize(
    "context", [("",), ("a",), ("ab", "x@y.z"), ("...", "@", "@@", "--"), ("\0", "\udcff")]
)
def test_a_name_of_a_letter_or_two_refuses_nothing(context: tuple[str, ...]) -> None:
    assert reason("abba at the baobab", context=context) == "accepted"


@pytest.mark.parametrize(
    "password",
    [
        "manchesterunited",
        "ManchesterUnited",
        "passwordpassword",
        "Password2024!!!",
        "P@ssw0rd12345678",
        "...superman1...",
        "¡iloveyou¡iloveyou¡",
        "sunshine sunshine",
        wide("PASSWORD2024!!!"),
    ],
)
def test_common_passwords_are_refused_with_what_people_put_around_them(password: str) -> None:
    assert reason(password) == "common"


@pytest.mark.parametrize("password", ["password", "iloveyou", "trustno1", "princess", "sunshine"])
def test_common_passwords_are_refused_where_short_ones_may_be_had(password: str) -> None:
    assert reason(password, min_length=8) == "common"
    assert reason(password.upper(), min_length=8) == "common"


@pytest.mark.parametrize("password", ["sunshine83019472650183746592", "the sunshine of your love"])
def test_a_common_word_in_something_longer_is_no_harm(password: str) -> None:
    assert reason(password) == "accepted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        (string.ascii_lowercase + string.digits, 15),
        (string.printable[:94], 12),
        ("0123456789abcdef", 16),
        (string.digits, 20),
        ("👍🦉🐘🍕🚲🎈🌵🧲", 15),
    ],
    ids=["letters", "printable", "hexadecimal", "digits", "emoji"],
)
def test_what_is_random_is_never_refused(alphabet: str, length: int) -> None:
    draw = random.Random(4)  # noqa: S311 - the same ones in every run
    for _ in range(300):
        password = "".join(draw.choices(alphabet, k=length))
        assert reason(password, min_length=8) == "accepted", password


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=4))
@pytest.mark.slow
def test_whatever_is_typed_there_is_an_answer(password: str, context: list[str]) -> None:
    first = reason(password, min_length=8, context=tuple(context))
    assert first in {"accepted", "too_short", "too_long", "characters", *rules.REASONS}
    if first == "accepted":
        assert rules.check(password, min_length=8, context=context)


@pytest.mark.parametrize(
    "password",
    ["1" * 1023 + "x", "password" * 128, "ab" * 511 + "xy", "\ufdfa" * 1000 + "x" * 24, "1x" * 512],
    ids=range(5),
)
def test_no_password_keeps_the_event_loop(password: str) -> None:
    context = tuple(f"{number}.{'x1' * 100}@{'ab.' * 60}" for number in range(5))
    began = time.process_time()
    reason(password, context=context)
    assert time.process_time() - began < 0.1


@pytest.mark.slow
def test_the_list_is_in_the_form_in_which_it_is_asked() -> None:
    words = decompress(common.LIST.read_bytes()).decode().split("\n")
    assert words.pop() == ""
    assert words == sorted(set(words))
    assert len(words) > 60_000
    for word in random.Random(5).sample(words, 500):  # noqa: S311 - the same ones in every run
        assert common.SHORTEST <= len(word) <= common.LONGEST
        assert reason(word, min_length=8, context=()) == "common", word


def test_only_whole_lines_of_the_list_count() -> None:
    for near in (
        "",
        "\n",
        "passwor",
        "assword2024",
        "password\n",
        "password\npassword1",
        "x" * 10_000,
    ):
        assert not common.is_listed(near)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("x", 1), ("xk", 2), ("abc", 1), ("aab", 2), ("abcd1234", 2), ("qazxsw", 2)],
)
def test_runs_go_on_in_one_direction(text: str, count: int) -> None:
    assert patterns.runs(text) == count


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *(("", None), ("x", None), ("xx", "x"), ("xyx", "xy"), ("xyzx", None)),
        *(("xyxyx", "xy"), ("xyzxyz", "xyz"), ("xyzxyzx", "xyz"), ("xyzxyy", None)),
    ],
)
def test_a_unit_is_repeated_twice_at_least_the_last_time_perhaps_in_part(
    text: str, unit: str | None
) -> None:
    assert patterns.repeated_unit(text) == unit
