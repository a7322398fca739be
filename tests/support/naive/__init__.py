"""A reference for the checker: BPMN's token game by the book, played on a document as it was read.

Tokens, open activities and scopes are plain values; every silent step is tried, nothing is reduced. It shares
no code with the checker.
"""

from tests.support.naive.values import TooLarge
from tests.support.naive.words import Reference, States

__all__ = ["Reference", "States", "TooLarge"]
