"""What the specification and its schemas say, as data: requirements, messages, documents."""
