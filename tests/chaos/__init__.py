"""The whole monitor under seeded faults, held against the exact truth at the end.

Its journey: :mod:`landscape` plans what happens and publishes it until it is confirmed; :mod:`schedule` draws
what goes wrong and when; :mod:`faults` does it to the servers, the links (:mod:`proxy`) and our processes
(:mod:`supervisor`); :mod:`truth` says what must have come of it, :mod:`held` what has, :mod:`compare` where
the two differ, :mod:`report` all of it in Markdown. :mod:`run` is one run from beginning to end.

``make chaos`` is a long run, ``test_chaos.py`` a short one.
"""
