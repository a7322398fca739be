"""Alerts: what is wrong finds the people who can mend it."""
