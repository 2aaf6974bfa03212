"""One conformance session inside pytest."""
