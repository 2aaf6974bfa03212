"""All checks at once, their verdicts, and the baseline that these are held against."""
