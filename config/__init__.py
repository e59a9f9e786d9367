"""Settings, and the shape of the logs."""
