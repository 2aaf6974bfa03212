"""Who takes part in a check, and what they can do."""
