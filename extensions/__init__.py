"""Extensions that ship with the service."""
