"""HTTP in front of the domain: bodies to entities, domain errors to problems, in one place."""
