"""Trip distribution by maximum entropy and the logit: calibrating thousands of parameters, and what they predict."""
