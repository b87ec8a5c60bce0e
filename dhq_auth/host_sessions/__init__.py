"""Sessions of applications on other hosts, each a branch of a session here and ending with it."""
