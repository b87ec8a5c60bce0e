"""The audit log: every security fact, in the transaction of the change itself."""
