"""The checks: one module a topic of the specification, in its order and under its name."""
