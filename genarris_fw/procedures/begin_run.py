"""The name under which workflows hold the Firetask."""

from genarris_fw.farm.begin_run import BeginRun as BeginRun
