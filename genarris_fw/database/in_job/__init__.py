"""The database inside a queue job: kept by a process of its own, and handed on to the next job."""
