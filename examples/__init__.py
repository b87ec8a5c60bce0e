"""Programs that show dhq-auth at work; none of them is installed with it."""
