"""Stage 1: deliveries from brokers, HTTP and files. ``base`` is the protocol, the rest are adapters."""
