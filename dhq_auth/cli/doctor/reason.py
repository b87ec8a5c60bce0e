"""Why a call did not come to an answer, in a line for the operator."""

from dhq_auth.errors import AuthError


def reason(error: AuthError) -> str:
    """Return what *error* says, and the words of the library below it."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    return f"{error} ({' '.join(str(cause).split()) or type(cause).__name__})"
