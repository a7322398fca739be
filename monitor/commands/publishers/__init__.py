"""What speaks to brokers: one module for each kind, none of which knows the others."""
