"""The name under which workflows hold the Firetask."""

from genarris_fw.farm.begin_run import BeginRun as BeginRun  # noqa: PLC0414 - this is where it is known
