"""Reading ui.conf: the option models, what is inferred, and what is wrong with a file."""

from genarris_fw.options.configuration import Configuration, Step, difference, options_hash
from genarris_fw.options.loading import load
from genarris_fw.options.problems import OptionsError

__all__ = ["Configuration", "OptionsError", "Step", "difference", "load", "options_hash"]
