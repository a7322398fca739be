"""Corrective commands: which are offered for a trace, their exact bytes, and how they are sent.

``offering``, ``rendering``, ``limits`` and ``breaker`` are pure; ``service`` is what people ask for,
``dispatch`` what the sweep does, ``publishers`` what speaks to brokers.
"""
