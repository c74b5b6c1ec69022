"""Who may ask the API and how often, as pure decisions: keys and their roles, rates and their windows."""
