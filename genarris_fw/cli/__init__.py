"""The commands of ``genarris-fw``, one module each."""
