"""The documents of FireWorks: the one place that knows their collections, fields and states.

The rest of the farm asks in its own words (the ready fireworks of a run, the run's chain, a launch's job), and hands
over the database. `names` says how our fireworks are called and what stands in their specs; `documents`, `launches`
and `workflows` each have one of the collections. What FireWorks' own methods do is left to them.
"""
