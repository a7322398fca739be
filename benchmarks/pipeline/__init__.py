"""The whole pipeline, from real brokers to PostgreSQL, beside bare references.

``python -m benchmarks pipeline``, or ``--only`` parts of it: ``kafka`` and ``rabbitmq`` run the service's own
worker beside a bare COPY and a bare consumer, turn by turn. ``stages`` tells where the processor time of an
event goes. ``workers``, ``open``, ``length`` and ``history`` tell how the cost of an event grows.
"""
