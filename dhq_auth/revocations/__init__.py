"""What was revoked before its time, told to those who check tokens without asking."""
