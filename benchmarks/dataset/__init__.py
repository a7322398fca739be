"""A large database for the benchmark of the pages: ``python -m benchmarks dataset``.

``story`` makes up a month of a shop, ``base`` takes it through the real pipeline and sweep, ``multiply``
copies what that left in the tables to as many traces as wanted, ``server`` is the PostgreSQL it is in.
"""
