"""The name under which workflows hold the Firetask."""

from genarris_fw.farm.finish_run import FinishRun as FinishRun  # noqa: PLC0414 - this is where it is known
