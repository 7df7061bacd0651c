"""How a run is carried out: database, rockets, replicas, recovery."""
