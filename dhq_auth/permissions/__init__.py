"""What may a user do in a service: its provider is asked, the answer signed."""
