"""One file per topic: plain functions from a Host to a typed value, parsed exactly as the consumer parses."""
