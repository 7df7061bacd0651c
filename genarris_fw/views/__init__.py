"""What a run shows of itself: status, progress, closing table, metrics, files."""
