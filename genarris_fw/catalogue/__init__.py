"""The catalogue: runs, structures, work items, leases and artifacts in MongoDB. It knows no science."""

from genarris_fw.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]
