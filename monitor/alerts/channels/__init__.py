"""Ways to receivers, one module each. They know nothing of each other."""
