"""Text that comes from outside: read without harm, shortened, and with its secrets hidden."""
