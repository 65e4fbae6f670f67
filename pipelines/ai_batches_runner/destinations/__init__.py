"""What differs between destinations."""
