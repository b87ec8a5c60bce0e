"""What users do to their own accounts, and what everybody may know of them."""
