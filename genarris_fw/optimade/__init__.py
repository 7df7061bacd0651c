"""OPTIMADE: what runs hold, for every client that speaks the interface of materials databases. It reads runs only."""
