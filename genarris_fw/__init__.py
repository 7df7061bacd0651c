"""Genarris as a database-backed task farm: molecular crystal structure prediction with FireWorks and MongoDB."""

from importlib.metadata import version

__version__ = version("genarris_fw")
