"""The network, its spatial derivatives, the loss and its gradient, the points at which it is asked."""
