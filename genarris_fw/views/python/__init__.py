"""Runs and pools as Python is given them; `genarris_fw.open` and `genarris_fw.runs` are made here."""
