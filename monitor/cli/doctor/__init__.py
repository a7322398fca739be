"""``doctor``: try every configured connection for real, and say what to do about what is wrong."""

from monitor.cli.doctor.command import doctor

__all__ = ["doctor"]
