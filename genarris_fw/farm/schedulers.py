"""Moved to `genarris_fw.schedulers`; this name is kept for one release."""

import runpy

if __name__ == "__main__":
    runpy.run_module("genarris_fw.schedulers", run_name="__main__", alter_sys=True)
