"""Texts for people, which their reader's tongue is found for at the end."""

from collections.abc import Mapping
from typing import Self


class Message(str):
    """A text with values in it (`Message("{title} sent no code.", title="Acme")`), for translation."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Put *values* into the places of *template*, as `str.format` does."""
        message = super().__new__(cls, template.format(**values))
        message.template = template
        message.values = values
        return message
