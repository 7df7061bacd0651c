"""The name by which ui.conf files call it."""

from genarris_fw.engines.ase.checked_cp2k import CheckedCP2K as CheckedCP2K  # noqa: PLC0414 - this is where it is known
