"""What is measured, against whom. Each module prints its figures; none of them is a test."""
