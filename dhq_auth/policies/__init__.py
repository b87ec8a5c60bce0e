"""Row-level policies: who may do what with which rows of which table; no HTTP."""
