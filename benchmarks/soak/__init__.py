"""An hour at half of the peak rate, and whether anything grows: ``python -m benchmarks soak``."""
