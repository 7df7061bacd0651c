"""The web explorer: what runs hold, to look at in a browser. It reads and never writes."""
