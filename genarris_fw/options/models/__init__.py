"""The options of the engines and of the procedures that call them."""
