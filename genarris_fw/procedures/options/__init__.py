"""What each procedure's section of ui.conf takes: one model a procedure, and how a step becomes of it."""
