"""What a run tells: on the terminal, and as JSON."""
