"""OPTIMADE: what runs hold, for every client that speaks the interface of materials databases. It reads runs only."""

import logging
import os

# The library reads settings of its own while it is imported. With a handler that is there already it opens no log in
# /var/log and writes nothing to standard output; what is served is made here, to check each page again takes longer.
logging.getLogger("optimade").addHandler(logging.NullHandler())
os.environ["OPTIMADE_VALIDATE_API_RESPONSE"] = "false"
