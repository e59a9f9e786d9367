"""The vocabulary every room speaks. No I/O, nothing of ours imported."""
