"""Genarris as a database-backed task farm: molecular crystal structure prediction with FireWorks and MongoDB."""

__version__ = "0.2.0"
