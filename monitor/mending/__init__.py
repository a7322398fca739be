"""Mending the inbox: why a message could not be placed, which event rule would place it, what that rule would
make of it, and trying it again for good.

``outlook`` (what the configuration makes of a message), ``rules`` (rules as people type them), ``paths`` and
``advice`` (what to suggest) are pure. ``again`` is one transaction of a replay; ``mender`` is what the
dashboard and the command line use.
"""
