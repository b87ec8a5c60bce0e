"""What administrators do: users, the first of them, and what everybody may ask of the service."""
