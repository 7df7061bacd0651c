"""What the options become: the manual's inference, decided from the configuration alone."""
