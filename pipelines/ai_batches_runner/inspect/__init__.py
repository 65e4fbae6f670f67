"""What is looked at without loading: checks, verification, alerts."""
