"""OPTIMADE: what runs hold, for every client that speaks the interface of materials databases. It reads runs only."""

import logging
import os
from pathlib import Path

# The library reads settings while it is imported: these, not those of another server of the same user. What is served
# is made here: to check each page again would take longer.
for _name in [name for name in os.environ if name.upper().startswith("OPTIMADE_")]:
    del os.environ[_name]
os.environ["OPTIMADE_CONFIG_FILE"] = str(Path(__file__).with_name("library.json"))
# With a handler that is there already it opens no log in /var/log and writes nothing to standard output.
logging.getLogger("optimade").addHandler(logging.NullHandler())
