"""One file a step of the schema. Never edited once released."""
