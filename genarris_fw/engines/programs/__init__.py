"""Programs as engines: processes that are minded, and remedies for their failures."""
