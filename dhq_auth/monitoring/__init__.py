"""What the operator's tools ask: alive, ready, and what the API looks like."""
